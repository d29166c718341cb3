#!/usr/bin/env bash
# Proves the backend cuda on a machine with an NVIDIA GPU. Needs nvcc (CUDA 12 or later), CMake, a C compiler and LAPACK;
# neither MPI nor HDF5 nor PETSc nor a network. Builds the library and its tests, runs the tests on the GPU, the quick
# ones under compute-sanitizer, then the benchmark. Takes less than eight minutes.
#
#   tests/gpu.sh [OUTDIR]     logs and tables go to OUTDIR (default: build-gpu/out)
#
# NEURLP_GPU_CMAKE has more arguments for CMake, if any (where LAPACK is, say). The last line is the verdict, and so is the exit status: 0 all passed, 1 something failed, 77 there is no GPU.
set -u

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${NEURLP_GPU_BUILD:-$top/build-gpu}
out=${1:-$build/out}
mkdir -p "$out" || exit 1
failed=""

# Runs one step with its output in a log; the verdict of each is a line.
step() { # NAME command...
  local name=$1 start=$SECONDS status=0
  shift
  "$@" >"$out/$name.log" 2>&1 || status=$?
  if [ $status -eq 0 ]; then
    echo "ok   $name ($((SECONDS - start)) s)"
  else
    echo "FAIL $name ($((SECONDS - start)) s), status $status; the end of its log:"
    tail -n 15 "$out/$name.log"
    failed="$failed $name"
  fi
  return $status
}

configure() {
  local generator=()
  command -v ninja >/dev/null && generator=(-G Ninja)
  cmake "${generator[@]}" -S "$top" -B "$build" -DCMAKE_BUILD_TYPE=Release -DNEURLP_CUDA=ON -DNEURLP_MPI=OFF \
    -DNEURLP_PETSC=OFF -DCMAKE_CUDA_ARCHITECTURES="${NEURLP_GPU_ARCHITECTURES:-native}" ${NEURLP_GPU_CMAKE:-}
}

tests="test_block_dense test_block_pieces test_block_gradient test_block_invariance test_block_status test_cuda_plan
  test_block_nonlinear test_block_nonlinear_gradient test_block_nonlinear_status test_cuda_chunks test_cuda_windows
  test_cuda_compiler test_ensemble test_equations test_direct test_shard_sum test_graph_operations test_graph_values test_graph_library
  test_graph_blocks test_graph_nonlinear test_graph_projection test_cuda_graph test_cuda_step test_network_train
  test_train_accelerator"
build_all() {
  cmake --build "$build" --parallel "$(nproc)" --target $tests bench_cuda bench_cuda_learn bench_cuda_graph
}

# A test of tests/block, whose batches go to the GPU.
on_gpu() { env NEURLP_TEST_BACKEND=cuda "$build/tests/block/test_block_$1"; }

# Ensembles, whose equations it compiles, or interprets.
ensemble() { env NEURLP_TEST_BACKEND=cuda NEURLP_EXPRESSIONS="$1" NEURLP_CACHE="$build/cache" "$build/tests/system/test_ensemble"; }

# Nonlinear blocks, all of whose work is done there, or only linear solves.
nonlinear() { env NEURLP_TEST_BACKEND=cuda NEURLP_TEST_EQUATIONS=1 "$build/tests/block/test_block_nonlinear$1"; }
callbacks() { env NEURLP_TEST_BACKEND=cuda "$build/tests/block/test_block_nonlinear$1"; }

# What learns, the direct method compared with the CPU.
learning() { # TEST compile|interpret
  env NEURLP_TEST_BACKEND=cuda NEURLP_EXPRESSIONS="$2" NEURLP_CACHE="$build/cache" "$build/tests/learn/test_$1"
}

# Networks: operations and blocks of graphs, training steps, optimisers.
network() { env NEURLP_TEST_BACKEND=cuda "$build/tests/$1"; }

sanitized() { # TOOL PROGRAM ...
  local tool=$1
  shift
  env NEURLP_TEST_BACKEND=cuda timeout 120 compute-sanitizer --tool "$tool" --error-exitcode 1 "$@"
}

if ! nvidia-smi -L >"$out/gpu.txt" 2>&1; then
  echo "no GPU: nvidia-smi says: $(head -n 1 "$out/gpu.txt")"
  echo "verdict: not run"
  exit 77
fi
cat "$out/gpu.txt"
step configure configure && step build build_all || {
  echo "verdict: FAILED:$failed"
  exit 1
}
for name in dense pieces gradient invariance status; do step "$name" on_gpu "$name"; done
step plan "$build/tests/cuda/test_cuda_plan"
step chunks "$build/tests/cuda/test_cuda_chunks"
step windows "$build/tests/cuda/test_cuda_windows"
step shard_sum env NEURLP_TEST_BACKEND=cuda "$build/tests/learn/test_shard_sum"
step compiler "$build/tests/cuda/test_cuda_compiler"
for how in compile interpret; do step "ensemble_$how" ensemble $how; done
for what in "" _gradient _status; do
  step "nonlinear$what" nonlinear "$what"
  step "callbacks$what" callbacks "$what"
done
for name in equations direct; do
  for how in compile interpret; do step "${name}_$how" learning "$name" "$how"; done
done
for name in operations values library blocks nonlinear projection; do step "graph_$name" network "graph/test_graph_$name"; done
step graph_steps network cuda/test_cuda_graph
step training_steps network cuda/test_cuda_step
step network_train network learn/test_network_train
step accelerator network train/test_train_accelerator
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck; do
    step "$tool" sanitized $tool "$build/tests/block/test_block_gradient"
  done
  step memcheck_direct sanitized memcheck "$build/tests/learn/test_direct"
  for tool in memcheck racecheck initcheck; do
    step "${tool}_graph" sanitized $tool "$build/tests/graph/test_graph_operations"
  done
  step memcheck_graph_blocks sanitized memcheck "$build/tests/graph/test_graph_blocks"
  step memcheck_training_steps sanitized memcheck "$build/tests/cuda/test_cuda_step" --short
  step memcheck_accelerator sanitized memcheck "$build/tests/train/test_train_accelerator"
else
  echo "     compute-sanitizer is not installed: its checks are not run"
fi
step bench "$build/tests/bench/bench_cuda" "$out/bench_cuda.csv" && cat "$out/bench.log"
step bench_learn "$build/tests/bench/bench_cuda_learn" "$out/bench_cuda_learn.csv" && cat "$out/bench_learn.log"
step bench_graph "$build/tests/bench/bench_cuda_graph" "$out/bench_cuda_graph.csv" && cat "$out/bench_graph.log"
echo "$SECONDS s in all"
echo "verdict: ${failed:+FAILED:$failed}${failed:-passed}"
[ -z "$failed" ]
