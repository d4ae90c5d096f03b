# One Makefile for the whole tree: a folder is a module, its sources are found by wildcard, and
# everything that is made lands in build/. `make help` lists the targets.
# ARCH=arm64 on another machine makes that one's programs, in build/arm64.

NATIVE := $(patsubst aarch64,arm64,$(patsubst x86_64,amd64,$(shell uname -m)))
ARCH ?= $(NATIVE)
OPTIMISED := build$(addprefix /,$(filter-out $(NATIVE),$(ARCH)))
B ?= $(OPTIMISED)
ifneq ($(ARCH),$(NATIVE))
GNU := $(patsubst arm64,aarch64,$(patsubst amd64,x86_64,$(ARCH)))-linux-gnu
SYSROOT := $(OPTIMISED)/sysroot
CC := $(GNU)-gcc -B$(SYSROOT)/usr/lib/$(GNU) --sysroot=$(SYSROOT)
else ifeq ($(origin CC),default)
CC := gcc
endif

MODULES := lib kubeadm images iso agent coordinator images/launcher
# What a module may use: the include rules of tests/lint/layers.sh, held by the linker as well.
USES_lib := lib
USES_kubeadm := kubeadm lib
USES_images := images lib
USES_images/launcher := images/launcher lib
USES_iso := iso images lib
USES_agent := agent images lib
USES_coordinator := coordinator iso kubeadm images lib

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wformat=2 -Wstrict-prototypes -Werror
WARNINGS += -Wno-format-truncation # snprintf is used where cutting is meant
CPPFLAGS += -D_GNU_SOURCE -I.
CFLAGS ?= -O2 -g
ifdef SANITIZE
ALL_CFLAGS = -std=gnu17 $(WARNINGS) -O0 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all -fPIE -Wno-maybe-uninitialized
LDFLAGS += -fsanitize=address,undefined -pie
else
ALL_CFLAGS = -std=gnu17 $(WARNINGS) $(CFLAGS) -fsigned-char -fstack-protector-strong -fPIE \
	-ffunction-sections -fdata-sections
CPPFLAGS += -D_FORTIFY_SOURCE=2
LDFLAGS += -pie -Wl,-z,relro,-z,now -Wl,--gc-sections
endif
LIBS := -Wl,--as-needed -lssh -lyaml -lcurl -larchive -lssl -lcrypto -ljansson -lzstd -lsystemd \
	-lblkid -pthread
# The agent lands on unknown hosts: only libc and libsystemd stay dynamic, and travel with it.
AGENT_LIBS := -Wl,-Bstatic -larchive -lssl -lcrypto -ljansson -lacl -lzstd -lz -lblkid \
	-Wl,-Bdynamic -Wl,--as-needed -lsystemd -pthread

objects = $(patsubst %.c,$(B)/%.o,$(filter-out $(1)/main.c,$(wildcard $(1)/*.c)))
archives = $(foreach m,$(USES_$(1)),$(B)/$(m).a)

AGENT_TARBALL := $(OPTIMISED)/agent-$(ARCH).tar.gz
TESTS := $(or $(T),$(patsubst tests/unit/test-%.c,%,$(wildcard tests/unit/test-*.c)))
TEST_BINARIES := $(TESTS:%=$(B)/tests/test-%)
# A unit test mirrors a module's file and is linked with what that module may use.
module_of = $(firstword $(foreach m,$(MODULES),$(if $(wildcard $(m)/$(1).c),$(m))) coordinator)

.PHONY: unit-tests $(shell sed -n 's/^\([a-z0-9-]*\):.*\#\# .*/\1/p' Makefile)
.SECONDARY .DELETE_ON_ERROR:

all: $(B)/bigtop-bootstrap $(B)/bigtop-agent ## build both programs (the default)

# The agent's tarball is the optimised one in every build.
COORDINATOR := $(B)/coordinator/main.o $(B)/coordinator/agent-blob.o $(B)/iso/live-blob.o
$(B)/bigtop-bootstrap: $(COORDINATOR) $(call archives,coordinator)
# Over a transport without SSH: the first definition of a function is the one taken.
$(B)/bench/coordinator: $(COORDINATOR) $(B)/tests/bench/fake-ssh.o $(call archives,coordinator)
BENCHES := $(B)/bench/delta-apply $(B)/bench/import-images
$(BENCHES): $(B)/bench/%: $(B)/tests/bench/%.o $(call archives,agent)
$(B)/bigtop-agent: LIBS = $(AGENT_LIBS)
$(B)/bigtop-agent: $(B)/agent/main.o $(call archives,agent)
$(B)/bigtop-bootstrap $(B)/bigtop-agent $(B)/bench/coordinator $(BENCHES):
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

$(AGENT_TARBALL): $(OPTIMISED)/bigtop-agent agent/pack.sh
	agent/pack.sh $< $@ $(CC)

$(B)/live.tar: $(shell find iso/live -type f)
	tar -c -f $@ --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
		--format=ustar -C iso/live .

$(B)/%-blob.o: %-blob.S $(AGENT_TARBALL) $(B)/live.tar
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DAGENT_TARBALL='"$(AGENT_TARBALL)"' -DISO_LIVE_TAR='"$(B)/live.tar"' \
		-DAGENT_SHA256="\"$$(sha256sum <$(AGENT_TARBALL) | cut -c1-64)\"" -c -o $@ $<

.SECONDEXPANSION:
$(MODULES:%=$(B)/%.a): $(B)/%.a: $$(call objects,$$*)
	@mkdir -p $(@D)
	@rm -f $@
	ar rcsD $@ $^

build/%/sysroot: # the libraries of another architecture
	tests/sysroot $* $@
$(B)/%.o: %.c Makefile | $(SYSROOT)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(TEST_BINARIES): $(B)/tests/test-%: $(B)/tests/unit/test-%.o $$(call archives,$$(call module_of,$$*))
	$(CC) $(LDFLAGS) -fuse-ld=gold -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) \
		-Wl,--end-group -lcmocka $(LIBS)

unit-tests: $(TEST_BINARIES)
check-unit: unit-tests ## unit tests (T="name name" runs some)
	@tests/unit/run unit $(TEST_BINARIES)

check-asan: ## the unit tests with address and undefined behaviour sanitizers
	@$(MAKE) --no-print-directory -s B=build/asan SANITIZE=1 unit-tests
	@tests/unit/run asan $(TESTS:%=build/asan/tests/test-%)

check-cli: all ## the programs' command lines, by four-section text files
check-registry: all ## images and files from servers on loopback, good and bad ones
check-iso: bundle ## machines start from the ISO, in qemu (`check` has the boots alone: long)
check-nfs: bundle ## an NFS server and its clients, in qemu
check-e2e: bundle ## three hosts become a cluster, in network namespaces
check-stack: all ## three hosts become a cluster with the analytics stack (not in `check`: long)
check-sources: all ## sources that public registries serve (skipped where none answers)
check-lab: ## the test hosts come up, differ, and leave nothing behind
lint: ## layers, formatting, clang-tidy, shellcheck
check-cli check-registry check-e2e check-iso check-nfs check-stack check-sources check-lab lint:
	@tests/$(@:check-%=%)/run
format: ## clang-format in place (headers are set by hand)
	clang-format -i $(foreach m,$(MODULES) tests/unit,$(wildcard $(m)/*.c))

check: ## everything above, with counts and one total line
install-packages: ## what building and testing need, with apt
check install-packages:
	@tests/$@
bundle: all ## build the default bundle (from package registries; cached) and sign it
iso: bundle ## an image that machines start from, with the default bundle: build/rack.iso
demo: ## three fresh hosts become a Kubernetes cluster
bundle iso demo:
	@tests/lab/$@
lab: ## boot the three lab hosts
lab-shell: ## a shell on a lab host: make lab-shell HOST=n2
lab-down: ## stop the lab and remove what it made
lab lab-shell lab-down:
	@tests/lab/lab $(patsubst lab,up,$(@:lab-%=%)) $(HOST)
bench-bootstrap: bundle ## apply against the best hand-written script
bench-delta: all build/bench/delta-apply ## what Kubernetes 1.34.3 -> 1.34.4 sends with deltas
bench-import: bundle build/bench/import-images ## images into containerd, against ctr one by one
bench-distribute: all ## a bundle to 1 to 8 hosts behind a thin link, against scp
bench-scale: all build/bench/coordinator ## 10 to 500 simulated hosts: time, memory and CPU
bench-bootstrap bench-delta bench-distribute bench-import bench-scale:
	@tests/bench/$(@:bench-%=%)
clean: ## remove what was built (the caches stay)
	rm -rf build
help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

-include $(foreach m,$(MODULES) tests/unit tests/bench,$(patsubst %.c,$(B)/%.d,$(wildcard $(m)/*.c)))
