#!/usr/bin/env bash
# Install the vendor's open tool chain (package tpu-mlir) into an environment of its own: an oracle for tests marked
# `vendor` and a peer for benchmarks. Nothing of tpuc needs it.
#   regression/setup_vendor.sh [DIR]     DIR: default $TPUC_VENDOR, else ~/.cache/tpuc-vendor
# Needs CPython 3.10: $TPUC_PYTHON310, else the first found on PATH or among pyenv's versions. 2.5 GB, some minutes.
# Does nothing where the environment is complete; one that is half made is made again.
set -euo pipefail

TPU_MLIR=tpu-mlir==1.30.2
TORCH=torch==1.12.1
# versions that this tpu-mlir imports without complaint; what is listed without one is not particular
PACKAGES=(numpy==1.24.3 scipy==1.11.1 onnx==1.14.1 onnxruntime==1.16.3 onnxruntime_extensions==0.14.0 onnxsim==0.4.17
    protobuf==3.20.3 flatbuffers==24.12.23 opencv-python-headless==4.8.0.74 Pillow==10.0.0 scikit-image==0.21.0
    scikit-learn==1.6.1 pandas==2.0.3 plotly==5.15.0 graphviz==0.20.1 transformers==4.46.3 tqdm==4.65.0 six==1.16.0
    setuptools==59.6.0 wheel filelock psutil packaging requests pycocotools)
# the package brings Ubuntu 22.04's own of these, which clash with the system's
SYSTEM_LIBRARIES=(libc.so.6 libm.so.6 libpthread.so.0 libstdc++.so.6 libgcc_s.so.1 libz.so.1 liblzma.so.5 libtinfo.so.5
    libglib-2.0.so.0 libgthread-2.0.so.0 libpython3.10.so.1.0)

environment=${1:-${TPUC_VENDOR:-$HOME/.cache/tpuc-vendor}}

find_python310() {
    local candidate
    for candidate in "${TPUC_PYTHON310:-}" "$(command -v python3.10 || true)" \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10.*/bin/python3.10; do
        if [ -x "$candidate" ] && "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "setup_vendor.sh: no CPython 3.10 found; name one by TPUC_PYTHON310" >&2
    return 1
}

if [ ! -f "$environment/complete" ]; then
    python=$(find_python310)
    rm -rf "$environment"
    mkdir -p "$(dirname "$environment")"
    "$python" -m venv "$environment"
    "$environment/bin/pip" install -q --no-deps "$TPU_MLIR" "$TORCH" typing_extensions
    "$environment/bin/pip" install -q "${PACKAGES[@]}"
    (cd "$environment/lib/python3.10/site-packages/tpu_mlir/lib/third_party" && rm -f "${SYSTEM_LIBRARIES[@]}")
    touch "$environment/complete"
fi
echo "vendor tools: $environment"
