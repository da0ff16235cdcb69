"""Names that try to run as code where they are written into a page."""

from __future__ import annotations

PAYLOADS = (
    "<img src=x onerror=window.ran=1>",
    "${window.ran=2}",
    "</script><script>window.ran=3</script>",
    "'\"><svg onload=window.ran=4>",
    "{{constructor.constructor('window.ran=5')()}}",
)
