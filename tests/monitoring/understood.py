"""Reads manifests of the Prometheus operator, one JSON document a line, and names what in them the operator does not know.

The models drop what is not in them, so what comes back is compared with what was given.
"""

import json
import sys

from cloudcoil.models.prometheus_operator import v1


def main():
    complaints = []
    for line in sys.stdin:
        manifest = json.loads(line)
        name = f"{manifest['kind']} {manifest['metadata']['name']}"
        try:
            model = getattr(v1, manifest["kind"]).model_validate(manifest)
        except ValueError as error:
            complaints.append(f"{name}: {error}")
            continue
        read = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
        complaints.extend(f"{name}: no field {path}" for path in lost(manifest, read, ""))
    print("\n".join(complaints))
    sys.exit(bool(complaints))


def lost(written, read, path):
    if isinstance(written, dict):
        for key, value in written.items():
            yield from lost(value, read[key], f"{path}.{key}") if key in read else [f"{path}.{key}"]
    elif isinstance(written, list):
        for number, value in enumerate(written):
            yield from lost(value, read[number], f"{path}[{number}]")


main()
