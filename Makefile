# hakim-init. `make help` lists the targets.
#
#   SANITIZE=1   everything with ASan and UBSan, in build/sanitize (PID 1 is then dynamic and of glibc)
#   FUZZ=1       the same for libFuzzer by clang, in build/fuzz (make fuzz does this)
#   V=1          show the commands

PREFIX ?= /usr
DESTDIR ?=
VERSION := 0.1.0

ifeq ($(SANITIZE),1)
BUILD := build/sanitize
else ifeq ($(FUZZ),1)
BUILD := build/fuzz
CC := clang
else
BUILD := build$(if $(CROSS),/$(CROSS:-=))
endif

# CROSS=aarch64-linux-gnu- builds for arm64 into build/aarch64-linux-gnu (make cross-arm64 has where that works).
CROSS ?=
ifneq ($(CROSS),)
CC := $(CROSS)gcc
endif
CC ?= gcc
# The system's Python: it is the one that has Debian's pytest.
PYTHON ?= /usr/bin/python3
ARCH := $(shell $(CC) -dumpmachine)
DEB_ARCH = $(if $(filter aarch64%,$(ARCH)),arm64,$(if $(filter x86_64%,$(ARCH)),amd64,$(firstword $(subst -, ,$(ARCH)))))

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wno-format-truncation -Wno-unused-parameter
DEFS := -D_GNU_SOURCE -DHAKIM_VERSION='"$(VERSION)"' -DHAKIM_LIBDIR='"$(PREFIX)/lib/hakim"'
BASE := -std=gnu17 -g $(WARN) $(DEFS) -I. -MMD -MP
# Debian's hardening flags (dpkg-buildflags), written out so that the build does not need dpkg-dev.
HARDEN := -O2 -ffunction-sections -fdata-sections -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -fcf-protection
ifneq ($(findstring x86_64,$(ARCH)),x86_64)
HARDEN := -O2 -ffunction-sections -fdata-sections -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
endif
LDHARDEN := -Wl,-z,relro -Wl,-z,now

ifeq ($(SANITIZE),1)
MODE := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
CFLAGS_ALL := $(BASE) $(MODE)
LD_DYNAMIC := $(MODE)
LD_SUPERVISOR := $(MODE)
INIT_CC := $(CC)
CFLAGS_INIT := $(BASE) $(MODE)
LD_INIT := $(MODE)
else ifeq ($(FUZZ),1)
MODE := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
# The warnings are gcc's business.
CFLAGS_ALL := -std=gnu17 -g -w $(DEFS) -I. -MMD -MP $(MODE) -fsanitize=fuzzer-no-link
LD_DYNAMIC := $(MODE)
else
CFLAGS_ALL := $(BASE) $(HARDEN)
LD_DYNAMIC := -pie $(LDHARDEN)
LD_SUPERVISOR := -static-pie -Wl,--gc-sections $(LDHARDEN)
# PID 1: musl where there is musl-gcc (amd64), whose kernel headers are a directory of links.
ifneq ($(if $(CROSS),,$(shell command -v musl-gcc)),)
INIT_CC := musl-gcc
CFLAGS_INIT := $(BASE) -Os -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-pie \
	-fstack-protector-strong -isystem build/musl-include
INIT_DEPS := build/musl-include/linux
else
INIT_CC := $(CC)
CFLAGS_INIT := $(BASE) -Os -ffunction-sections -fdata-sections
endif
# Constants lie in the pages of the code: pages of their own would be 8 KB of nothing.
LD_INIT := -static -no-pie -Wl,--gc-sections -Wl,-z,noexecstack -Wl,-z,noseparate-code $(LDHARDEN) -s
endif

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(2)')

COMMON_SRC := $(wildcard common/*.c)
INIT_SRC := $(wildcard init/*.c) common/network.c common/id_map.c
SUPERVISOR_SRC := $(wildcard supervisor/*.c)
CTL_SRC := $(wildcard supervisor/ctl/*.c)
FETCH_SRC := $(wildcard modules/coder-agent/*.c)
IMAGE_SRC := $(wildcard image/*.c)
# Modules whose helper program needs nothing but libc: modules/NAME/*.c is hakim-NAME.
MODULES := home guard docker openclaw-node network-online
AGENT_SRC := $(wildcard tests/stand-ins/agent/*.c)
TEST_SRC := $(wildcard tests/unit/test_*.c)
HELPER_SRC := $(wildcard tests/helpers/*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
init_obj = $(patsubst %.c,$(BUILD)/obj-init/%.o,$(1))

PROGRAMS := $(addprefix $(BUILD)/,hakim-init hakim-supervisor hakimctl hakim hakim-agent-fetch hakim-log-zstd) \
	$(MODULES:%=$(BUILD)/hakim-%)
STAND_INS := $(if $(AGENT_SRC),$(BUILD)/stand-ins/coder)
HELPERS := $(patsubst tests/helpers/%.c,$(BUILD)/helpers/%,$(HELPER_SRC))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(TEST_SRC)) $(BUILD)/unit/fuzz_image $(BUILD)/unit/fuzz_others

.PHONY: all bench deps-bench deb deb-init fuzz help deps deps-vm deps-image image images push smoke e2e e2e-devcontainer measure run test test-unit unit-tests cross-arm64 test-system test-vm lint format install clean

all: $(PROGRAMS)

help:
	@sed -n 's/^#: //p' Makefile

#: make deps      install what building, running and testing need (apt; nothing to do when all is there)
deps:
	$(Q)sh tests/deps.sh

$(BUILD)/obj/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/obj-init/%.o: %.c | $(INIT_DEPS)
	$(call say,CC1,$<)
	$(Q)mkdir -p $(@D) && $(INIT_CC) $(CFLAGS_INIT) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

build/musl-include/linux:
	$(Q)mkdir -p build/musl-include
	$(Q)ln -sfn /usr/include/$(ARCH)/asm build/musl-include/asm
	$(Q)ln -sfn /usr/include/asm-generic build/musl-include/asm-generic
	$(Q)ln -sfn /usr/include/linux build/musl-include/linux

# What is in a library is linked only where it is used; main.c never is in one.
$(BUILD)/libcommon.a: $(call obj,$(COMMON_SRC))
$(BUILD)/libinit.a: $(call obj,$(filter-out %/main.c,$(INIT_SRC)))
$(BUILD)/libsupervisor.a: $(call obj,$(filter-out %/main.c,$(SUPERVISOR_SRC)))
$(BUILD)/libctl.a: $(call obj,$(filter-out %/main.c,$(CTL_SRC)))
$(BUILD)/libfetch.a: $(call obj,$(filter-out %/main.c,$(FETCH_SRC)))
$(BUILD)/libimage.a: $(call obj,$(filter-out %/main.c,$(IMAGE_SRC)))
$(BUILD)/%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(CROSS)ar rcs $@ $^

$(BUILD)/hakim-init: $(call init_obj,$(INIT_SRC))
	$(call say,LD,$@)
	$(Q)$(INIT_CC) $(LD_INIT) $(LDFLAGS) -o $@ $^

$(BUILD)/hakim-supervisor: $(call obj,supervisor/main.c) $(BUILD)/libsupervisor.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LD_SUPERVISOR) $(LDFLAGS) -o $@ $^ -linih -lcap -lseccomp -lpthread -lm

$(BUILD)/hakimctl: $(call obj,supervisor/ctl/main.c) $(BUILD)/libctl.a $(BUILD)/libsupervisor.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LD_DYNAMIC) $(LDFLAGS) -o $@ $^ -linih -lcap -lseccomp -ljansson -lzstd

$(BUILD)/hakim-agent-fetch: $(call obj,modules/coder-agent/main.c) $(BUILD)/libfetch.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LD_DYNAMIC) $(LDFLAGS) -o $@ $^ -lcurl -lcrypto -lseccomp -lcap

IMAGE_LIBS := -lcurl -lssl -lcrypto -ljansson -lz -lzstd -lm
$(BUILD)/hakim: $(call obj,image/main.c) $(BUILD)/libimage.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LD_DYNAMIC) $(LDFLAGS) -o $@ $^ $(IMAGE_LIBS)

$(BUILD)/hakim-log-zstd: $(call obj,supervisor/zstd/main.c)
	$(call say,LD,$@)
	$(Q)$(CC) $(LD_DYNAMIC) $(LDFLAGS) -o $@ $^ -lzstd

define module_rules
$(BUILD)/lib$(1).a: $(call obj,$(filter-out %/main.c,$(wildcard modules/$(1)/*.c)))
$(BUILD)/hakim-$(1): $(call obj,modules/$(1)/main.c) $(BUILD)/lib$(1).a $(BUILD)/libcommon.a
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(LD_DYNAMIC) $$(LDFLAGS) -o $$@ $$^
endef
$(foreach module,$(MODULES),$(eval $(call module_rules,$(module))))

# The stand-in for the real agent: one static ELF program, as the real one is.
$(BUILD)/stand-ins/coder: $(AGENT_SRC) | $(INIT_DEPS)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu17 -O2 -g $(WARN) $(DEFS) -I. -static -o $@ $(AGENT_SRC) -lpthread

$(BUILD)/helpers/%: tests/helpers/%.c
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu17 -O2 -g $(WARN) $(DEFS) -I. -static -o $@ $<

$(BUILD)/bench/%: bench/%.c
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu17 -O2 -g $(WARN) $(DEFS) -I. -static -o $@ $<

# The rooms of image/ know only common/, and so do their tests: names may be those of other rooms.
$(BUILD)/unit/test_image_%: $(BUILD)/obj/tests/unit/test_image_%.o $(BUILD)/libimage.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LD_DYNAMIC) $(LDFLAGS) -o $@ $^ -lcmocka $(IMAGE_LIBS)

TEST_LIBS := $(BUILD)/libctl.a $(BUILD)/libsupervisor.a $(BUILD)/libfetch.a $(MODULES:%=$(BUILD)/lib%.a) $(BUILD)/libinit.a $(BUILD)/libcommon.a
OTHER_LIBS := -linih -lcap -lseccomp -lcurl -lcrypto -ljansson -lzstd -lpthread -lm
$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(TEST_LIBS)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LD_DYNAMIC) $(LDFLAGS) -o $@ $< $(TEST_LIBS) -lcmocka $(OTHER_LIBS)

#: make fuzz      libFuzzer over all that reads what others wrote, FUZZ_SECONDS in all; TARGET=name for one (needs clang)
FUZZ_SECONDS ?= 60
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
TARGET ?= $(FUZZ_TARGETS)
fuzz:
	$(Q)$(MAKE) --no-print-directory FUZZ=1 $(TARGET:%=build/fuzz/bin/%)
	$(Q)sh tests/fuzz/run.sh build/fuzz/bin $(FUZZ_SECONDS) $(TARGET)

fuzz_obj = $(patsubst %,$(BUILD)/obj/tests/fuzz/%.o,$(1))
# What a target takes the place of, under the code that it calls.
wrap = $(addprefix -Wl$(comma)--wrap=,$(1))
comma := ,
WRAP_credential := credential_helper
WRAP_registry := http_run http_step
WRAP_task := nanosleep pvesh_call
WRAP_manager := adopt_main keeper_drop keeper_exit keeper_list keeper_store keeper_tell launch_command launch_probe \
	launch_status process_signal processes_get service_log_open service_owns task_signal
WRAP_control := $(WRAP_manager)
WRAP_keeper := keeper_list keeper_store
WRAP_notify := $(WRAP_manager)
WRAP_proc := open
WRAP_takeover := $(WRAP_manager)

$(BUILD)/bin/image_%: $(call fuzz_obj,fuzzer fuzz fuzz_image_%) $(BUILD)/libimage.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LD_DYNAMIC) -fsanitize=fuzzer $(LDFLAGS) $(call wrap,$(WRAP_$*)) -o $@ $^ $(IMAGE_LIBS)

$(BUILD)/bin/%: $(call fuzz_obj,fuzzer fuzz fuzz_%) $(TEST_LIBS)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LD_DYNAMIC) -fsanitize=fuzzer $(LDFLAGS) $(call wrap,$(WRAP_$*)) -o $@ $^ $(OTHER_LIBS)

# Without clang: what was found once stays mended.
$(BUILD)/unit/fuzz_image: $(call fuzz_obj,replay fuzz $(addprefix fuzz_,$(filter image_%,$(FUZZ_TARGETS)))) $(BUILD)/libimage.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LD_DYNAMIC) $(LDFLAGS) \
		$(call wrap,$(WRAP_credential) $(WRAP_registry) $(WRAP_task)) -o $@ $^ $(IMAGE_LIBS)

$(BUILD)/unit/fuzz_others: $(call fuzz_obj,replay fuzz $(addprefix fuzz_,$(filter-out image_%,$(FUZZ_TARGETS)))) $(TEST_LIBS)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LD_DYNAMIC) $(LDFLAGS) $(call wrap,$(WRAP_manager) $(WRAP_proc)) -o $@ $^ $(OTHER_LIBS)

#: make run       boot a workspace in an unprivileged LXC container and open a shell in it
run: deps
	$(Q)$(MAKE) --no-print-directory all $(STAND_INS)
	$(Q)$(PYTHON) tests/run.py --build $(BUILD)

#: make test      everything: unit tests, then the system tests in real containers
test: deps
	$(Q)$(MAKE) --no-print-directory test-unit
	$(Q)$(MAKE) --no-print-directory test-system

#: make deps-vm   what only test-vm needs: qemu (apt)
deps-vm: deps
	$(Q)sh tests/deps.sh qemu-system-x86 e2fsprogs

#: make test-vm   a Debian kernel with AppArmor and pure cgroup2 in qemu, LXC inside; some minutes, not part of test
test-vm: deps-vm
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(PYTHON) tests/vm/vm.py --build $(BUILD)

# Only built: for cross-arm64, which runs them in its own way.
unit-tests: $(UNIT_TESTS)

#: make cross-arm64   everything for arm64 in a Debian of its own, and the unit tests under qemu-user; minutes, not part of test
cross-arm64: deps
	$(Q)$(PYTHON) tests/cross/arm64.py

test-unit: $(UNIT_TESTS)
	$(Q)sh tests/unit/run.sh $(UNIT_TESTS)

# Most of a test is waiting: two at a time take little more than half as long. A file's are done in their order, by one.
JOBS ?= 2
test-system: all $(STAND_INS) $(HELPERS) $(BUILD)/bench/probe
	$(Q)HAKIM_BUILD=$(BUILD) $(PYTHON) -m pytest -q -n $(JOBS) --dist loadfile -p no:cacheprovider tests/system $(PYTEST_ARGS)

#: make deps-bench  the peers of the bench: tini, dumb-init, catatonit, runit, s6, supervisor, skopeo, curl (apt)
deps-bench: deps
	$(Q)sh tests/deps.sh tini dumb-init catatonit runit s6 supervisor skopeo curl docker-registry

#: make bench     each row of the design's budgets beside its peers, into bench/results/; ROWS=size,memory RUNS=7
ROWS ?=
RUNS ?= 7
bench: deps-bench
	$(Q)$(MAKE) --no-print-directory all $(STAND_INS) $(BUILD)/helpers/flood $(BUILD)/bench/probe
	$(Q)$(PYTHON) bench/bench.py --runs $(RUNS) $(if $(ROWS),--rows $(ROWS))

#: make lint      clang-format, clang-tidy, cppcheck, shellcheck, flake8; no warnings
lint: deps
	$(Q)BUILD=$(BUILD) sh tests/lint.sh

#: make format    let clang-format write the C files
format:
	$(Q)git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

#: make install   DESTDIR= PREFIX=/usr
install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/hakim/modules \
		$(DESTDIR)$(PREFIX)/lib/hakim/bin
	install -m 0755 $(BUILD)/hakim-init $(DESTDIR)$(PREFIX)/sbin/hakim-init
	install -m 0755 $(BUILD)/hakimctl $(DESTDIR)$(PREFIX)/bin/hakimctl
	install -m 0755 $(BUILD)/hakim $(DESTDIR)$(PREFIX)/bin/hakim
	install -m 0755 $(BUILD)/hakim-supervisor $(DESTDIR)$(PREFIX)/lib/hakim/hakim-supervisor
	install -m 0755 $(BUILD)/hakim-agent-fetch $(DESTDIR)$(PREFIX)/lib/hakim/hakim-agent-fetch
	install -m 0755 $(BUILD)/hakim-log-zstd $(DESTDIR)$(PREFIX)/lib/hakim/hakim-log-zstd
	# Out of the way of a systemd's own; dpkg/setup puts it into the PATH of an image.
	ln -sf ../../../bin/hakimctl $(DESTDIR)$(PREFIX)/lib/hakim/bin/systemctl
	install -d $(DESTDIR)$(PREFIX)/lib/hakim/dpkg
	for script in dpkg/*; do \
		sed 's|/usr/lib/hakim|$(PREFIX)/lib/hakim|g' "$$script" >$(DESTDIR)$(PREFIX)/lib/hakim/$$script && \
		chmod 0755 $(DESTDIR)$(PREFIX)/lib/hakim/$$script; \
	done
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 0644 docs/hakim-init.1 docs/hakimctl.1 docs/hakim.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -D -m 0644 completion/hakimctl.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/hakimctl
	install -D -m 0644 completion/_hakimctl $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_hakimctl
	install -D -m 0644 completion/hakim.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/hakim
	install -D -m 0644 completion/_hakim $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_hakim
	# Those of systemctl are systemd's where it is: dpkg/setup links to these where it is not.
	install -D -m 0644 completion/systemctl.bash $(DESTDIR)$(PREFIX)/lib/hakim/completion/systemctl
	install -D -m 0644 completion/_systemctl $(DESTDIR)$(PREFIX)/lib/hakim/completion/_systemctl
	for name in $(MODULES); do install -m 0755 $(BUILD)/hakim-$$name $(DESTDIR)$(PREFIX)/lib/hakim/; done
	for script in modules/*/*.sh; do \
		name=$$(basename "$$script" .sh) && \
		sed 's|/usr/lib/hakim|$(PREFIX)/lib/hakim|g' "$$script" >$(DESTDIR)$(PREFIX)/lib/hakim/hakim-$$name && \
		chmod 0755 $(DESTDIR)$(PREFIX)/lib/hakim/hakim-$$name; \
	done
	# Found by their names, and wanted only by who wants them.
	install -d $(DESTDIR)$(PREFIX)/lib/hakim/units
	for unit in modules/*/units/*.service; do install -m 0644 "$$unit" $(DESTDIR)$(PREFIX)/lib/hakim/units/; done
	for unit in modules/*/*.service; do install -m 0644 "$$unit" $(DESTDIR)$(PREFIX)/lib/hakim/modules/; done

#: make deb       the package of hakim, the host command, for a Proxmox host without a compiler
deb: $(BUILD)/hakim
	$(Q)sh packaging/deb.sh $(BUILD) $(VERSION)

#: make deb-init  the package of what is in a container: for the devcontainer Feature, and for images built elsewhere
deb-init: all
	$(Q)STRIP=$(CROSS)strip sh packaging/deb-init.sh $(BUILD) $(VERSION) $(DEB_ARCH)

# ---- the images. What scripts/build.sh can be told by words is told by variables here.
REGISTRY ?= ghcr.io/shekohex
TAG ?=
VARIANT ?= base
BUILD_FLAGS ?=
IMAGES = REGISTRY=$(REGISTRY) RUN_REF=$(TAG) sh scripts/build.sh $(BUILD_FLAGS)

#: make image     VARIANT=js; BUILD_FLAGS=--no-downloads: only Debian and npm are asked (buildah, podman or docker)
image: deps-image
	$(Q)$(IMAGES) --variant $(VARIANT)

#: make images    all of them
images: deps-image
	$(Q)$(IMAGES)

#: make push      REGISTRY=HOST/PATH TAG=TAG: builds what is not built, and pushes all, or VARIANT's
push: deps-image
	$(Q)$(IMAGES) --push $(if $(filter command,$(origin VARIANT)),--variant $(VARIANT))

#: make smoke     VARIANT=js: runs the variant's tools in its image
smoke: deps-image
	$(Q)sh scripts/smoke.sh $(REGISTRY)/hakim-$(VARIANT):latest $(VARIANT)

#: make e2e       from the Dockerfile to a running workspace, twice: builds base and js, about 20 minutes; not part of test
e2e: deps
	$(Q)sh tests/deps.sh buildah skopeo docker-registry mmdebstrap
	$(Q)$(MAKE) --no-print-directory all $(STAND_INS)
	$(Q)$(PYTHON) tests/e2e.py --build $(BUILD)

#: make measure   VARIANTS="base js": builds, runs and boots them, and fills the README's table
VARIANTS ?= $(shell scripts/variants --list)
measure: deps
	$(Q)sh tests/deps.sh buildah skopeo docker-registry mmdebstrap
	$(Q)$(MAKE) --no-print-directory all $(STAND_INS)
	$(Q)$(PYTHON) tests/e2e.py --build $(BUILD) --measure $(VARIANTS)
	$(Q)scripts/variants

#: make e2e-devcontainer   the real devcontainer CLI with the image of js: up, exec, stop; not part of test
e2e-devcontainer: deps
	$(Q)sh tests/deps.sh buildah mmdebstrap
	$(Q)$(PYTHON) tests/e2e_devcontainer.py

# podman builds, too, but in containers, for which not every machine is made: buildah needs a chroot.
deps-image:
	$(Q)command -v buildah >/dev/null || docker info >/dev/null 2>&1 || sh tests/deps.sh buildah mmdebstrap
	$(Q)[ -x /usr/bin/python3 ] || sh tests/deps.sh python3

#: make clean     remove build/
clean:
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
.SECONDARY:
