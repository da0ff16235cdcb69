"""What GDAL may do in the process that reads a file: one driver, no network, no other file."""

from __future__ import annotations

from collections.abc import Mapping

#: Driver of each format that GDAL reads; other formats are not GDAL's.
_DRIVER: Mapping[str, str] = {
    "gpkg": "GPKG", "shapefile": "ESRI Shapefile", "filegdb": "OpenFileGDB", "flatgeobuf": "FlatGeobuf",
    "kml": "LIBKML", "kmz": "LIBKML", "gpx": "GPX", "dxf": "DXF",
}  # fmt: skip
#: A zip may hold any of them; what is in it is looked at before GDAL sees it.
DRIVERS: Mapping[str, frozenset[str]] = {
    **{form: frozenset({driver}) for form, driver in _DRIVER.items()},
    "zip": frozenset(_DRIVER.values()),
}
#: Every driver for vector data that GDAL 3 has had, by the names of its documentation.
ALL_DRIVERS = (
    "ADBC,AIVector,AVCBin,AVCE00,AmigoCloud,Arrow,BAG,CAD,CSV,CSW,Carto,Cloudant,CouchDB,DB2ODBC,DGN,DGNv8,DODS,DWG,DXF,"
    "EDIGEO,EEDA,ESRI Shapefile,ESRIC,ESRIJSON,Elasticsearch,FITS,FMEObjects Gateway,FileGDB,FlatGeobuf,GDALG,GML,"
    "GMLAS,GMLJP2,GNMDatabase,GNMFile,GPKG,GPSBabel,GPX,GRASS,GTFS,GeoJSON,GeoJSONSeq,GeoRSS,Geoconcept,Geomedia,HANA,"
    "HDF4,HDF5,HTTP,Hadoop,IDB,ILI,INGRES,Idrisi,Interlis 1,Interlis 2,JML,JP2ECW,JP2KAK,JP2Lura,JP2OpenJPEG,JPEG2000,"
    "JSONFG,KML,KMLSUPEROVERLAY,LIBKML,LVBAG,MBTiles,MEM,MVT,MapInfo File,MapML,Memory,MiraMonVector,MongoDB,MongoDBv3,"
    "MSSQLSpatial,MySQL,NAS,NGW,NTF,UK .NTF,OAPIF,OCI,ODBC,ODS,OGCAPI,OGDI,OGR_DODS,OGR_GMT,OGR_OGDI,OGR_PDS,OGR_SDE,"
    "OGR_VRT,OSM,OpenAir,OpenFileGDB,PCIDSK,PDF,PDS4,PGDUMP,PGEO,PLSCENES,PMTiles,Parquet,PostGISRaster,PostgreSQL,REC,"
    "S57,SDTS,SEGUKOOA,SEGY,SOSI,SQLite,SUA,SVG,SXF,Selafin,TIGER,TopoJSON,VDV,VFK,VICAR,VRT,WAsP,WFS,WFS3,Walk,XLS,"
    "XLSX,XODR,XPLANE,netCDF"
).split(",")
CACHE_MB = 64


def gdal_environment(form: str) -> dict[str, str]:
    """Variables under which GDAL opens nothing but files of this format, and nothing over the network."""
    kept = DRIVERS.get(form, frozenset())
    return {
        "GDAL_SKIP": ",".join(name for name in ALL_DRIVERS if name not in kept),
        "GDAL_DRIVER_PATH": "disable",
        # It warns of each driver above that is not there.
        "CPL_LOG": "/dev/null",
        "GDAL_CACHEMAX": str(CACHE_MB),
        "GDAL_NUM_THREADS": "1",
        "GDAL_HTTP_TIMEOUT": "1",
        "GDAL_HTTP_MAX_RETRY": "0",
        "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}",
        "CPL_VSIL_CURL_USE_HEAD": "NO",
        "OGR_SQLITE_LOAD_EXTENSIONS": "",
        "OGR_GPKG_FOREIGN_KEY_CHECK": "NO",
        "PROJ_NETWORK": "OFF",
    }
