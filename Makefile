# The contributor's manual: each recipe is what one would type.

.DEFAULT_GOAL := build
.PHONY: build demo test lint fmt bench load golden tsan fuzz differential full install-crds uninstall-crds start image clean help

build: ## build/release/integration-operator, optimised
	cmake --preset release
	cmake --build --preset release --target integration-operator

demo: ## the main job on this machine, from nothing: sets up, builds, couples a plug with a real PostgreSQL, and ends
	scripts/setup
	$(MAKE) build
	scripts/demo

test: ## builds and runs all tests, with address and undefined-behaviour sanitizers (TEST="-R text_test": some)
	scripts/test $(TEST)

lint: ## formatting, includes, manifests, a test for each sentence of the contract, clang-tidy on what changed (LINT=--all: on everything)
	scripts/lint $(LINT)

fmt: ## formats all C++
	git ls-files --cached --others --exclude-standard '*.cc' '*.h' | xargs ls 2>/dev/null | xargs clang-format -i

golden: ## writes the expected decisions (src/operator/coupling/testdata/*.out.yaml) and docs/template-functions.md anew; read the diff
	cmake --preset dev
	cmake --build --preset dev --target operator_coupling_test gotemplate_test
	IOP_GOLDEN=1 ctest --test-dir build/dev -R '^operator_coupling_test$$' --output-on-failure
	IOP_GOLDEN=1 build/dev/src/gotemplate/gotemplate_test --gtest_filter='ReferenceTest.*'
	git diff --stat -- src/operator/coupling/testdata docs/template-functions.md

bench: ## builds the benchmarks optimised and runs them (BENCH="--benchmark_filter=Parse": some), then the load
	cmake --preset release
	cmake --build --preset release
	for program in $$(find build/release/src -name '*_bench' -type f | grep -v /gotemplate_bench | sort); do \
	  echo "# $$program"; $$program $(BENCH) || exit 1; done
	bench/templates build/release/src/gotemplate/gotemplate_bench
	$(MAKE) load

LOAD ?= 200 1000
load: ## the operator with LOAD plugs at once on a real API server (KUBEBUILDER_ASSETS)
	cmake --preset release
	cmake --build --preset release --target load_bench
	build/release/bench/load_bench $(LOAD)

tsan: ## runs what has threads with the thread sanitizer
	IOP_PRESET=tsan IOP_TARGETS="http_test kube_client_test kube_runtime_test operator_control_test" \
	  scripts/test -R '^(http|kube_client|kube_runtime|operator_control)_test$$'

FUZZ_SECONDS ?= 60
fuzz: ## runs all fuzz targets side by side, each for FUZZ_SECONDS; what they find lies in build/fuzz/findings
	scripts/fuzz $(FUZZ_SECONDS)

DIFFERENTIAL_SECONDS ?= 60
differential: ## compares random templates with real Go (1.26 and the network for sprig) for DIFFERENTIAL_SECONDS
	cmake --preset release
	cmake --build --preset release --target integration-operator
	tests/templates/run build/release/integration-operator -seconds $(DIFFERENTIAL_SECONDS)

full: ## the unity build, all warnings errors, tests included
	IOP_PRESET=full scripts/test

install-crds: ## installs the CRDs into the cluster of the current kubeconfig
	kubectl apply --server-side -k config/crd
	kubectl wait --for=condition=Established --timeout=60s -f config/crd/plugs.yaml -f config/crd/sockets.yaml \
	  -f config/crd/interfaces.yaml -f config/crd/deferredresources.yaml

uninstall-crds: ## removes the CRDs, and with them all plugs and sockets
	kubectl delete --ignore-not-found -k config/crd

start: build ## runs the operator on this machine against the current kubeconfig
	build/release/integration-operator run --zap-devel $(RUN)

image: ## builds the container image integration-operator:latest
	docker build -t integration-operator:latest .

clean: ## removes build/
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "make %-16s %s\n", $$1, $$2}'
