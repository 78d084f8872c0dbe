"""The Kubernetes manifests of serving/deploy: built as Kustomize builds them, valid, and pointing at what exists."""

from __future__ import annotations

import copy
import pathlib
import re
import shutil
import subprocess
from typing import Any

import kubernetes_validate
import pytest
import yaml

from aisle.schema import contract

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "serving" / "deploy"
TF_SERVING = "2.16.1"
FOLDERS = [DEPLOY / "kubernetes" / name for name in ("base", "overlays/tls", "overlays/promoted")]
VERSIONS = ["1.27", kubernetes_validate.latest_version()]
"""Of Kubernetes: the oldest that the manifests are for, and the newest there is a schema of."""

Resource = dict[str, Any]

POD_EXTENSIONS = {
    "minReplicas": int,
    "maxReplicas": int,
    "scaleTarget": int,
    "scaleMetric": str,
    "model": dict,
}
"""What KServe's PredictorSpec adds to Kubernetes' PodSpec, as far as it is used here."""

CONTAINER_EXTENSIONS = {"modelFormat": dict, "runtimeVersion": str, "storageUri": str}
"""What KServe's ModelSpec adds to Kubernetes' Container, as far as it is used here."""


def _documents(path: pathlib.Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def _build(folder: pathlib.Path) -> list[Resource]:
    """The resources of a kustomization, by what of Kustomize is used here; anything else fails."""
    (kustomization,) = _documents(folder / "kustomization.yaml")
    assert kustomization.pop("apiVersion") == "kustomize.config.k8s.io/v1beta1"
    assert kustomization.pop("kind") == "Kustomization"
    built: list[Resource] = []
    for name in kustomization.pop("resources", []):
        built += _build(folder / name) if (folder / name).is_dir() else _documents(folder / name)
    for generator in kustomization.pop("configMapGenerator", []):
        data = {name: (folder / name).read_text(encoding="utf-8") for name in generator["files"]}
        built.append(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data}
        )
    built = copy.deepcopy(built)
    for patch in kustomization.pop("patches", []):
        target = _only(built, patch["target"]["kind"], patch["target"]["name"])
        (operations,) = _documents(folder / patch["path"])
        for operation in operations:
            _apply(target, **operation)
    assert kustomization == {}, "Kustomize does more here than this test follows"
    return built


def _apply(document: Any, op: str, path: str, value: Any) -> None:
    """One operation of a JSON patch (RFC 6902)."""
    *parents, last = path.removeprefix("/").split("/")
    for key in parents:
        document = document[int(key)] if isinstance(document, list) else document[key]
    if op == "add":
        assert isinstance(document, list) and last == "-", path
        document.append(value)
    elif op == "replace":
        assert document[int(last)] is not None
        document[int(last)] = value
    else:
        assert op == "test", op
        assert document[int(last)] == value


def _only(resources: list[Resource], kind: str, name: str = "") -> Resource:
    (found,) = (
        resource
        for resource in resources
        if resource["kind"] == kind and name in ("", resource["metadata"]["name"])
    )
    return found


def _pod(resources: list[Resource]) -> Resource:
    pod: Resource = _only(resources, "Deployment")["spec"]["template"]["spec"]
    return pod


def _refused(resource: Resource, version: str) -> str:
    """Why Kubernetes of that version would not take a resource; "" where it would."""
    try:
        kubernetes_validate.validate(resource, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return str(error)
    return ""


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def resources(request: pytest.FixtureRequest) -> list[Resource]:
    """All resources of the base or an overlay."""
    return _build(request.param)


@pytest.fixture
def base() -> list[Resource]:
    return _build(FOLDERS[0])


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_would_take_every_resource(version: str, resources: list[Resource]) -> None:
    assert [_refused(resource, version) for resource in resources] == [""] * len(resources)
    kinds = {resource["kind"] for resource in resources}
    assert {"Deployment", "Service", "ConfigMap", "NetworkPolicy", "PodDisruptionBudget"} <= kinds


def test_what_kubernetes_would_refuse_is_found(base: list[Resource]) -> None:
    deployment = _only(base, "Deployment")
    _pod(base)["containers"][0]["readinesProbe"] = {}
    assert "readinesProbe" in _refused(deployment, VERSIONS[-1])


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is absent; it brings Kustomize")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_kustomize_builds_the_same(folder: pathlib.Path) -> None:
    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # Kustomize ends a generated name with a hash of the contents.
    text = re.sub(r"(aisle-serving-config)-[a-z0-9]{10}\b", r"\1", done.stdout)

    def ordered(resources: list[Resource]) -> list[Resource]:
        return sorted(resources, key=lambda resource: (resource["kind"], resource["metadata"]["name"]))

    assert ordered(list(yaml.safe_load_all(text))) == ordered(_build(folder))


def test_no_resource_is_there_twice(resources: list[Resource]) -> None:
    names = [(resource["kind"], resource["metadata"]["name"]) for resource in resources]
    assert len(names) == len(set(names))


def test_every_volume_exists_and_is_mounted(resources: list[Resource]) -> None:
    pod = _pod(resources)
    for volume in pod["volumes"]:
        if "configMap" in volume:
            _only(resources, "ConfigMap", volume["configMap"]["name"])
        if "persistentVolumeClaim" in volume:
            _only(resources, "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
    (container,) = pod["containers"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_every_file_that_the_server_is_told_of_is_in_a_volume(resources: list[Resource]) -> None:
    pod = _pod(resources)
    (container,) = pod["containers"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
    for flag in container["args"]:
        name, _, path = flag.partition("=")
        if not name.endswith("_config_file"):
            continue
        folder, _, file = path.rpartition("/")
        if "configMap" in mounts[folder]:
            assert file in _only(resources, "ConfigMap")["data"]
        else:
            assert (folder, file) in {("/models", "models.config"), ("/ssl", "ssl.config")}


def test_the_versions_are_served_from_where_the_models_config_says(base: list[Resource]) -> None:
    (mount,) = (mount for mount in _pod(base)["containers"][0]["volumeMounts"] if mount["name"] == "models")
    text = _only(base, "ConfigMap")["data"]["models.config"]
    assert f'base_path: "{mount["mountPath"]}/{contract.MODEL_NAME}"' in text
    assert mount["readOnly"] is True


def test_every_selector_finds_the_pods(resources: list[Resource]) -> None:
    deployment = _only(resources, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert _only(resources, "Service")["spec"]["selector"] == labels
    assert _only(resources, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert _only(resources, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == labels
    (spread,) = _pod(resources)["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == labels


def test_every_named_port_is_one_that_the_server_listens_on(resources: list[Resource]) -> None:
    (container,) = _pod(resources)["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {f"--port={ports['grpc']}", f"--rest_api_port={ports['rest']}"} <= set(container["args"])
    named = [port["targetPort"] for port in _only(resources, "Service")["spec"]["ports"]]
    assert named == ["grpc"], "the Service must not expose the REST port"
    for rule in _only(resources, "NetworkPolicy")["spec"]["ingress"]:
        named += [port["port"] for port in rule["ports"]]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        named.append(container[probe]["httpGet"]["port"])
        assert container[probe]["httpGet"]["path"] == f"/v1/models/{contract.MODEL_NAME}"
    assert set(named) <= set(ports)
    annotations = _only(resources, "Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(ports["rest"])


def test_the_autoscaler_scales_the_deployment_and_two_pods_stay(base: list[Resource]) -> None:
    autoscaler, deployment = _only(base, "HorizontalPodAutoscaler"), _only(base, "Deployment")
    target = autoscaler["spec"]["scaleTargetRef"]
    assert (target["apiVersion"], target["kind"]) == (deployment["apiVersion"], "Deployment")
    assert target["name"] == deployment["metadata"]["name"]
    assert "replicas" not in deployment["spec"]
    # With one, a drain of its node would wait for ever.
    assert autoscaler["spec"]["minReplicas"] > _only(base, "PodDisruptionBudget")["spec"]["maxUnavailable"]
    assert "cpu" in _pod(base)["containers"][0]["resources"]["requests"], "utilization is of the request"


def test_the_pods_keep_to_the_restricted_pod_security_standard(resources: list[Resource]) -> None:
    pod = _pod(resources)
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    rights = container["securityContext"]
    assert (rights["allowPrivilegeEscalation"], rights["capabilities"]) == (False, {"drop": ["ALL"]})
    assert rights["readOnlyRootFilesystem"] is True
    assert "memory" in container["resources"]["limits"]


def test_a_pod_outlasts_the_time_in_which_it_is_taken_out_of_service(base: list[Resource]) -> None:
    pod = _pod(base)
    (program, seconds) = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    assert int(seconds) < pod["terminationGracePeriodSeconds"]


def test_tls_adds_its_file_alone_and_promoted_changes_whose_models_config_is_read(
    base: list[Resource],
) -> None:
    plain = _pod(base)["containers"][0]["args"]
    tls = _pod(_build(FOLDERS[1]))["containers"][0]["args"]
    assert tls == [*plain, "--ssl_config_file=/ssl/ssl.config"]
    promoted = _pod(_build(FOLDERS[2]))["containers"][0]["args"]
    assert [(old, new) for old, new in zip(plain, promoted, strict=True) if old != new] == [
        ("--model_config_file=/config/models.config", "--model_config_file=/models/models.config")
    ]


def test_the_server_is_one_whose_ops_the_models_are_held_against() -> None:
    """By tests/e2e/test_served_ops.py, on both stacks."""
    assert _pod(_build(FOLDERS[0]))["containers"][0]["image"] == f"tensorflow/serving:{TF_SERVING}"
    assert _predictor()["model"]["runtimeVersion"] == TF_SERVING


def _service() -> Resource:
    (service,) = _documents(DEPLOY / "kserve" / "inference-service.yaml")
    found: Resource = service
    return found


def _predictor() -> Resource:
    predictor: Resource = _service()["spec"]["predictor"]
    return predictor


def _as_pod(predictor: Resource) -> Resource:
    """A predictor as the Pod that Kubernetes would get; what KServe adds is checked and taken out."""
    container = dict(predictor["model"], name="kserve-container", image="tensorflow/serving:2.16.1")
    pod = dict(predictor, containers=[container])
    for document, extensions in ((pod, POD_EXTENSIONS), (container, CONTAINER_EXTENSIONS)):
        for name, kind in extensions.items():
            assert isinstance(document.pop(name), kind), name
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "aisle"}, "spec": pod}


def test_kserve_would_take_the_inference_service() -> None:
    service = _service()
    assert set(service) == {"apiVersion", "kind", "metadata", "spec"}
    assert (service["apiVersion"], service["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert set(service["spec"]) == {"predictor"}
    assert service["metadata"]["name"] == contract.MODEL_NAME, "KServe names the model after it"
    for version in VERSIONS:
        kubernetes_validate.validate(_as_pod(_predictor()), version, strict=True)


def test_what_kserve_would_refuse_is_found() -> None:
    predictor = _predictor()
    predictor["model"]["modelFormt"] = predictor["model"]["modelFormat"]
    with pytest.raises(kubernetes_validate.ValidationError, match="modelFormt"):
        kubernetes_validate.validate(_as_pod(predictor), VERSIONS[-1], strict=True)


def test_kserve_reads_where_the_pipeline_on_kubeflow_pushes() -> None:
    told = (REPOSITORY / "BUILD.md").read_text(encoding="utf-8")
    (root,) = set(re.findall(r"--root (gs://\S+)", told))
    assert _predictor()["model"]["storageUri"] == f"{root}/serving/{contract.MODEL_NAME}"
