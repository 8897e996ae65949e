"""Schemas of the manifests that forja export-repository and docs/recipes have, cut from Python packages.

    pip install --target /tmp/k8s --no-deps kubernetes-validate==1.37.0 kserve==0.21.0
    python tests/vectors/kubernetes.py /tmp/k8s

Writes kubernetes/schemas.json: of Kubernetes 1.30, strict, what the named kinds need, without descriptions; of KServe,
whose client has no schema, the names and types of its classes that an InferenceService with a model needs. Fields may
not be null, which Kubernetes takes for left out.
"""
import ast
import json
import pathlib
import re
import sys

KINDS = {
    "apps/v1/Deployment": "io.k8s.api.apps.v1.Deployment",
    "v1/Service": "io.k8s.api.core.v1.Service",
    "policy/v1/PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
    "autoscaling/v2/HorizontalPodAutoscaler": "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
}
KSERVE = [
    "V1beta1InferenceService",
    "V1beta1InferenceServiceSpec",
    "V1beta1PredictorSpec",
    "V1beta1ModelSpec",
    "V1beta1ModelFormat",
]
PLAIN = {"str": "string", "bool": "boolean", "int": "integer", "float": "number", "object": "object"}

packages = pathlib.Path(sys.argv[1])
source = packages / "kubernetes_validate" / "kubernetes-json-schema" / "v1.30.0-local-strict" / "_definitions.json"
all_definitions = json.loads(source.read_text())["$defs"]
definitions = {}


def cut(value):
    """Without descriptions and notes of Kubernetes' own; references become local."""
    if isinstance(value, list):
        return [cut(one) for one in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for key, one in value.items():
        if key == "properties":
            out[key] = {name: cut(of) for name, of in one.items()}
        elif key == "$ref":
            name = one.split("/")[-1]
            out[key] = f"#/$defs/{name}"
            take(name)
        elif key == "type" and isinstance(one, list):
            out[key] = next(kind for kind in one if kind != "null")
        elif key != "description" and key != "format" and not key.startswith("x-"):
            out[key] = cut(one)
    return out


def take(name):
    if name not in definitions:
        definitions[name] = None
        definitions[name] = cut(all_definitions[name])


def of_kserve(text):
    """A type as the generated client writes it: list[V1EnvVar], dict(str, str), V1Probe."""
    if inner := re.fullmatch(r"list\[(.*)\]", text):
        return {"type": "array", "items": of_kserve(inner[1])}
    if inner := re.fullmatch(r"dict\(str, (.*)\)", text):
        return {"type": "object", "additionalProperties": of_kserve(inner[1])}
    if text in PLAIN:
        return {"type": PLAIN[text]}
    if text in KSERVE:
        return {"$ref": f"#/$defs/{text}"}
    name = "io.k8s.api.core.v1." + text.removeprefix("V1")
    if text == "V1ObjectMeta":
        name = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    if name not in all_definitions:
        return {}  # not looked at
    take(name)
    return {"$ref": f"#/$defs/{name}"}


def class_of(name):
    path = packages / "kserve" / "models" / (re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() + ".py")
    code = path.read_text()
    tables = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("openapi_types", "attribute_map")
    }
    keys = tables["attribute_map"]
    required = re.findall(r'Invalid value for `(\w+)`, must not be `None`', code)
    return {
        "type": "object",
        "properties": {keys[field]: of_kserve(kind) for field, kind in tables["openapi_types"].items()},
        "additionalProperties": False,
        **({"required": [keys[field] for field in required]} if required else {}),
    }


for kind in KINDS.values():
    take(kind)
for name in KSERVE:
    definitions[name] = class_of(name)
kinds = {**KINDS, "serving.kserve.io/v1beta1/InferenceService": "V1beta1InferenceService"}
text = json.dumps({"kinds": kinds, "$defs": dict(sorted(definitions.items()))}, separators=(",", ":"))
out = pathlib.Path(__file__).parent / "kubernetes"
(out / "schemas.json").write_text(text.replace(',"io.k8s', ',\n"io.k8s').replace(',"V1beta1', ',\n"V1beta1') + "\n")
print(len(definitions), "definitions,", len(text), "bytes")
