#!/usr/bin/env bash
# What the product is made of: build/sbom.json (CycloneDX 1.6), every package of requirements.txt and of the pages' scripts with
# version, hashes and licence. Then what bandit calls grave in the product's own code, of which there is to be nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=build/tools
if [[ ! -x $tools/bin/cyclonedx-py || ! -x $tools/bin/bandit ]]; then
  printf '› Fetching cyclonedx-bom and bandit into an environment of their own …\n' >&2
  .venv/bin/python -m venv "$tools"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0 bandit==1.9.4 2>&1 | grep -v WARNING >&2 || true
fi
mkdir -p build
"$tools/bin/cyclonedx-py" requirements requirements.txt --pyproject pyproject.toml --mc-type application --sv 1.6 --of JSON \
  --output-reproducible --output-file build/sbom.new.json 2>/dev/null
.venv/bin/python - build/sbom.new.json <<'PYTHON'
"""Licences of the Python packages as installed, and the packages of the pages' scripts with their hashes."""
import base64, importlib.metadata, json, sys
from pathlib import Path

path = Path(sys.argv[1])
bom = json.loads(path.read_text(encoding="utf-8"))
for one in bom["components"]:
    one.pop("description", None)
    # An address that a machine's settings put in is nobody else's matter.
    one["externalReferences"] = [r for r in one.get("externalReferences", []) if r["type"] == "distribution" and r.get("hashes")]
    for reference in one["externalReferences"]:
        reference["url"] = one.get("purl", one["name"])
    try:
        told = importlib.metadata.metadata(one["name"])
    except importlib.metadata.PackageNotFoundError:
        continue  # another system's
    named = told.get("License-Expression")
    classed = [line.rsplit(" :: ", 1)[-1] for line in told.get_all("Classifier") or [] if line.startswith("License")]
    plain = named or ", ".join(classed) or (told.get("License") or "").split("\n")[0][:80]
    if plain:
        one["licenses"] = [{"expression": named}] if named else [{"license": {"name": plain}}]
lock = json.loads(Path("app/web/package-lock.json").read_text(encoding="utf-8"))
for name, one in sorted(lock["packages"].items()):
    if name:
        short = name.rsplit("node_modules/", 1)[-1]
        digest = base64.b64decode(one["integrity"].removeprefix("sha512-")).hex()
        bom["components"].append({
            "type": "library", "bom-ref": f"npm:{name}", "name": short, "version": one["version"],
            "purl": f"pkg:npm/{short.replace('@', '%40')}@{one['version']}",
            "hashes": [{"alg": "SHA-512", "content": digest}],
            **({"licenses": [{"license": {"name": one["license"]}}]} if "license" in one else {}),
        })
Path("build/sbom.json").write_text(json.dumps(bom, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
path.unlink()
bare = [one["name"] for one in bom["components"] if "licenses" not in one]
print(f"build/sbom.json: {len(bom['components'])} packages; no licence told: {', '.join(bare) or 'none'}")
PYTHON
"$tools/bin/bandit" --quiet --recursive app migrations --severity-level high && echo "bandit: nothing grave."
