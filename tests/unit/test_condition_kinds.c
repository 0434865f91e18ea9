/* Each kind of condition, both ways, about a machine that is made of files. */
#include "tests/unit/unit_help.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "supervisor/condition.h"
#include "supervisor/condition_kinds.h"

static struct condition_world world;
static const struct strv none;

static int machine_make(void **state)
{
	files_make(state);
	world = (struct condition_world){
		.root = root,
		.env = &none,
		.secret_names = &none,
		.place = "lxc",
		.uid = 0,
		.gid = 0,
		.machine = "x86_64",
		.release = "6.1.0-18-amd64",
		.host = "box7",
		.cpus = 2,
	};
	return 0;
}

static bool holds(enum condition_kind kind, const char *arg)
{
	struct condition condition = {.kind = kind, .arg = (char *)arg};
	struct condition negated = {.kind = kind, .negate = true, .arg = (char *)arg};
	bool answer;

	if (condition_argument_check(kind, arg, NULL) < 0)
		fail_msg("%s=%s is refused", condition_kind_name(kind), arg);
	answer = condition_ask(&condition, NULL, &world) == CONDITION_YES;
	assert_int_equal(condition_ask(&negated, NULL, &world),
			 answer ? CONDITION_NO : CONDITION_YES);
	return answer;
}

#define YES(kind, arg)                                                     \
	do {                                                               \
		if (!holds(CONDITION_##kind, arg))                         \
			fail_msg("%s does not hold for %s", #kind, (arg)); \
	} while (0)
#define NO(kind, arg)                                              \
	do {                                                       \
		if (holds(CONDITION_##kind, arg))                  \
			fail_msg("%s holds for %s", #kind, (arg)); \
	} while (0)
#define REFUSED(kind, arg) \
	assert_true(condition_argument_check(CONDITION_##kind, arg, NULL) == -EINVAL)

static void paths_are_what_they_are(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char path[128];

	machine_file("/d/e/f.conf", "x");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", root);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	snprintf(path, sizeof(path), "%s/link", root);
	assert_int_equal(symlink("d", path), 0);
	YES(PATH_EXISTS, "/d/e");
	NO(PATH_EXISTS, "/d/x");
	YES(PATH_IS_DIRECTORY, "/d");
	YES(PATH_IS_DIRECTORY, "/link");
	NO(PATH_IS_DIRECTORY, "/d/e/f.conf");
	NO(PATH_IS_DIRECTORY, "/x");
	YES(PATH_IS_SYMBOLIC_LINK, "/link");
	NO(PATH_IS_SYMBOLIC_LINK, "/d");
	YES(PATH_IS_SOCKET, "/s");
	NO(PATH_IS_SOCKET, "/d");
	NO(PATH_IS_ENCRYPTED, "/d");
	REFUSED(PATH_EXISTS, "d");
	REFUSED(PATH_EXISTS, "/d/../e");
	REFUSED(PATH_EXISTS, "");
}

static void globs_are_matched_a_component_at_a_time(void **state)
{
	machine_file("/d/e/f.conf", "x");
	machine_file("/d/.hidden/g", "x");
	YES(PATH_EXISTS_GLOB, "/d/*/f.conf");
	YES(PATH_EXISTS_GLOB, "/d/?/[f-g].c*");
	YES(PATH_EXISTS_GLOB, "/d/e");
	YES(PATH_EXISTS_GLOB, "/d//e/");
	NO(PATH_EXISTS_GLOB, "/d/*.conf");
	NO(PATH_EXISTS_GLOB, "/*/f.conf");
	NO(PATH_EXISTS_GLOB, "/d/*/g");
	YES(PATH_EXISTS_GLOB, "/d/.h*/g");
	NO(PATH_EXISTS_GLOB, "/d/e/f.conf/x");
}

static void mounts_are_told_from_directories(void **state)
{
	world.root = "";
	YES(PATH_IS_MOUNT_POINT, "/proc");
	NO(PATH_IS_MOUNT_POINT, "/proc/sys/kernel");
	NO(PATH_IS_MOUNT_POINT, "/nonexistent");
	YES(PATH_IS_READ_WRITE, "/tmp");
	YES(PATH_IS_READ_WRITE, "/nonexistent");
}

static void empty_files_and_directories_are_empty(void **state)
{
	char path[128];

	machine_file("/d/.hidden", "x");
	machine_file("/d/x.conf~", "x");
	machine_file("/d/x.dpkg-old", "x");
	NO(DIRECTORY_NOT_EMPTY, "/d");
	machine_file("/d/x", "");
	YES(DIRECTORY_NOT_EMPTY, "/d");
	NO(DIRECTORY_NOT_EMPTY, "/x");
	NO(FILE_NOT_EMPTY, "/d/x");
	NO(FILE_NOT_EMPTY, "/d");
	NO(FILE_NOT_EMPTY, "/y");
	YES(FILE_NOT_EMPTY, "/d/.hidden");
	NO(FILE_IS_EXECUTABLE, "/d/x");
	NO(FILE_IS_EXECUTABLE, "/d");
	snprintf(path, sizeof(path), "%s/d/x", root);
	assert_int_equal(chmod(path, 0755), 0);
	YES(FILE_IS_EXECUTABLE, "/d/x");
}

static void users_and_groups_are_the_supervisors(void **state)
{
	machine_file("/etc/passwd",
		     "root:x:0:0::/:/bin/sh\ncoder:x:1000:1001::/home/coder:/bin/sh\n");
	machine_file("/etc/group", "root:x:0:\ncoder:x:1001:\n");
	YES(USER, "root");
	YES(USER, "0");
	YES(USER, "@system");
	NO(USER, "coder");
	NO(USER, "nobody");
	YES(GROUP, "root");
	NO(GROUP, "coder");
	world.uid = 1000;
	world.gid = 1001;
	YES(USER, "coder");
	YES(USER, "1000");
	NO(USER, "root");
	NO(USER, "code");
	NO(USER, "@system");
	YES(GROUP, "coder");
	YES(GROUP, "1001");
	NO(GROUP, "nogroup");
	REFUSED(USER, "");
}

static void a_container_is_one_whatever_it_is_on(void **state)
{
	machine_file("/proc/self/uid_map", "         0     100000      65536\n");
	YES(VIRTUALIZATION, "yes");
	YES(VIRTUALIZATION, "container");
	YES(VIRTUALIZATION, "lxc");
	YES(VIRTUALIZATION, "private-users");
	NO(VIRTUALIZATION, "no");
	NO(VIRTUALIZATION, "docker");
	NO(VIRTUALIZATION, "vm");
	NO(VIRTUALIZATION, "kvm");
	world.place = "other";
	YES(VIRTUALIZATION, "container-other");
	NO(VIRTUALIZATION, "other");
	world.place = "kubernetes";
	YES(VIRTUALIZATION, "container-other");
	NO(VIRTUALIZATION, "kubernetes");
	world.place = "systemd-nspawn";
	YES(VIRTUALIZATION, "systemd-nspawn");
	/* Bare namespaces. */
	world.place = "unknown";
	YES(VIRTUALIZATION, "container");
	YES(VIRTUALIZATION, "container-other");
	machine_file("/proc/self/uid_map", "         0          0 4294967295\n");
	NO(VIRTUALIZATION, "container");
	NO(VIRTUALIZATION, "private-users");
	NO(VIRTUALIZATION, "unknown");
	YES(VIRTUALIZATION, "no");
	world.place = "docker";
	YES(VIRTUALIZATION, "docker");
	NO(VIRTUALIZATION, "private-users");
}

static void hosts_have_a_name_and_an_id(void **state)
{
	YES(HOST, "box7");
	YES(HOST, "BOX*");
	NO(HOST, "box");
	NO(HOST, "0123456789abcdef0123456789abcdef");
	machine_file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	YES(HOST, "0123456789ABCDEF0123456789abcdef");
	NO(HOST, "1123456789abcdef0123456789abcdef");
}

static void kernels_are_compared_as_versions_and_patterns(void **state)
{
	YES(KERNEL_VERSION, "6.1.*");
	NO(KERNEL_VERSION, "5.*");
	YES(KERNEL_VERSION, ">=6.1");
	YES(KERNEL_VERSION, ">= 5.10 <6.2");
	NO(KERNEL_VERSION, ">=5.10 <6.1");
	YES(KERNEL_VERSION, "=6.1.0-18-amd64");
	NO(KERNEL_VERSION, "!=6.1.0-18-amd64");
	YES(KERNEL_VERSION, "$=*-amd64 !$=5*");
	NO(KERNEL_VERSION, "<>6.1.0-18-amd64");
	REFUSED(KERNEL_VERSION, "\"6");
}

static void versions_are_in_the_order_of_the_specification(void **state)
{
	/* The example of the UAPI group's specification, the oldest first. */
	static const char *const order[] = {
		"122.1",   "123~rc1-1", "123",     "123-a",   "123-a.1", "123-1",
		"123-1.1", "123^post1", "123.a-1", "123.1-1", "123a-1",  "124-1",
	};

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		for (size_t k = 0; k < ARRAY_LEN(order); k++) {
			int r = condition_compare_versions(order[i], order[k]);

			if (r != (i > k) - (i < k))
				fail_msg("%s and %s: %d", order[i], order[k], r);
		}
	assert_int_equal(condition_compare_versions("1.007", "1.7"), 0);
	assert_int_equal(condition_compare_versions("1_2", "1_10"), -1);
	assert_int_equal(condition_compare_versions("", "0"), -1);
	assert_int_equal(condition_compare_versions("", "~"), 1);
}

static void architectures_have_systemds_names(void **state)
{
	YES(ARCHITECTURE, "x86-64");
	YES(ARCHITECTURE, "native");
	NO(ARCHITECTURE, "x86_64");
	NO(ARCHITECTURE, "arm64");
	world.machine = "aarch64";
	YES(ARCHITECTURE, "arm64");
	world.machine = "m68k";
	YES(ARCHITECTURE, "m68k");
}

static void the_kernels_command_line_has_words(void **state)
{
	/* A container's is PID 1's own. */
	machine_file("/proc/1/cmdline", "/sbin/init quiet root=/dev/sda");
	machine_file("/proc/cmdline", "debug\n");
	YES(KERNEL_COMMAND_LINE, "quiet");
	YES(KERNEL_COMMAND_LINE, "root");
	YES(KERNEL_COMMAND_LINE, "root=/dev/sda");
	NO(KERNEL_COMMAND_LINE, "root=/dev/sdb");
	NO(KERNEL_COMMAND_LINE, "qui");
	NO(KERNEL_COMMAND_LINE, "debug");
	put_bytes(root, "proc/1/cmdline", "/sbin/init\0single", 18);
	YES(KERNEL_COMMAND_LINE, "single");
	world.place = "unknown";
	YES(KERNEL_COMMAND_LINE, "debug");
}

static void modules_lie_in_sys(void **state)
{
	machine_file("/sys/module/nf_tables/refcnt", "1");
	YES(KERNEL_MODULE_LOADED, "nf_tables");
	YES(KERNEL_MODULE_LOADED, "nf-tables");
	NO(KERNEL_MODULE_LOADED, "nf");
	NO(KERNEL_MODULE_LOADED, "../module/nf_tables");
}

static void capabilities_are_those_of_the_bounding_set(void **state)
{
	NO(CAPABILITY, "CAP_CHOWN");
	machine_file("/proc/self/status",
		     "Name:\tx\nCapPrm:\tffffffffffffffff\nCapBnd:\t0000000000200001\n");
	YES(CAPABILITY, "CAP_CHOWN");
	YES(CAPABILITY, "cap_sys_admin");
	NO(CAPABILITY, "CAP_NET_ADMIN");
	REFUSED(CAPABILITY, "CAP_X");
}

static void memory_and_processors_are_the_containers(void **state)
{
	NO(MEMORY, "1");
	machine_file("/proc/meminfo", "MemTotal:        2097152 kB\nMemFree: 1 kB\n");
	YES(MEMORY, "2G");
	NO(MEMORY, ">2G");
	YES(MEMORY, "=2G");
	YES(MEMORY, "< 3G");
	machine_file("/sys/fs/cgroup/memory.max", "max\n");
	YES(MEMORY, "2G");
	machine_file("/sys/fs/cgroup/memory.max", "1073741824\n");
	NO(MEMORY, "2G");
	YES(MEMORY, "==1G");
	YES(CPUS, "2");
	YES(CPUS, ">1");
	NO(CPUS, "3");
	YES(CPUS, "!= 3");
	REFUSED(CPUS, "-1");
	REFUSED(CPUS, "$=2");
	REFUSED(MEMORY, "lots");
}

static void pressure_is_at_most_the_limit(void **state)
{
	/* What the kernel does not tell is none. */
	YES(CPU_PRESSURE, "0%");
	machine_file("/proc/pressure/cpu", "some avg10=40.00 avg60=20.50 avg300=3.00 total=1\n");
	machine_file("/proc/pressure/io", "some avg10=90.00 avg60=90.00 avg300=90.00 total=1\n"
					  "full avg10=5.00 avg60=1.00 avg300=0.10 total=1\n");
	machine_file("/proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"
					      "full avg10=9.00 avg60=9.00 avg300=9.00 total=1\n");
	YES(CPU_PRESSURE, "3%");
	NO(CPU_PRESSURE, "2.99%");
	NO(CPU_PRESSURE, "20%/1min");
	YES(CPU_PRESSURE, "20.5%/1min");
	NO(CPU_PRESSURE, "39%/5s");
	YES(IO_PRESSURE, "1%");
	NO(IO_PRESSURE, "1%/10");
	NO(MEMORY_PRESSURE, "8%");
	YES(MEMORY_PRESSURE, "9%");
	REFUSED(CPU_PRESSURE, "10");
	REFUSED(CPU_PRESSURE, "100.5%");
	REFUSED(CPU_PRESSURE, "10%/x");
	REFUSED(CPU_PRESSURE, "");
}

static void controllers_must_all_be_there(void **state)
{
	NO(CONTROL_GROUP_CONTROLLER, "memory");
	YES(CONTROL_GROUP_CONTROLLER, "v1");
	machine_file("/proc/cgroups",
		     "#subsys_name\thierarchy\ncpuset\t1\t1\t1\nmemory\t2\t1\t1\n");
	YES(CONTROL_GROUP_CONTROLLER, "memory");
	NO(CONTROL_GROUP_CONTROLLER, "cpu");
	machine_file("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids\n");
	YES(CONTROL_GROUP_CONTROLLER, "v2");
	NO(CONTROL_GROUP_CONTROLLER, "v1");
	YES(CONTROL_GROUP_CONTROLLER, "cpu pids");
	NO(CONTROL_GROUP_CONTROLLER, "cpu memory");
	NO(CONTROL_GROUP_CONTROLLER, "set");
}

static void releases_are_compared_by_field(void **state)
{
	NO(OS_RELEASE, "ID=debian");
	machine_file("/usr/lib/os-release", "ID=other\n");
	YES(OS_RELEASE, "ID=other");
	machine_file("/etc/os-release",
		     "# x\nID=debian\nVERSION_ID=\"12\"\nNAME='Debian GNU/Linux'\n");
	YES(OS_RELEASE, "ID=debian VERSION_ID>=12");
	NO(OS_RELEASE, "ID=debian VERSION_ID>12");
	YES(OS_RELEASE, "\"NAME$=Debian *\"");
	YES(OS_RELEASE, "VARIANT=");
	REFUSED(OS_RELEASE, "ID");
	REFUSED(OS_RELEASE, "=debian");
}

static void what_the_kernel_protects_with_is_seen_by_its_files(void **state)
{
	NO(SECURITY, "apparmor");
	machine_file("/sys/module/apparmor/parameters/enabled", "N\n");
	NO(SECURITY, "apparmor");
	machine_file("/sys/module/apparmor/parameters/enabled", "Y\n");
	YES(SECURITY, "apparmor");
	NO(SECURITY, "selinux");
	machine_file("/sys/fs/selinux/enforce", "1");
	YES(SECURITY, "selinux");
	NO(SECURITY, "tpm2");
	NO(SECURITY, "audit");
	NO(FIRMWARE, "uefi");
	machine_file("/sys/firmware/efi/runtime", "");
	YES(FIRMWARE, "uefi");
	NO(FIRMWARE, "device-tree");
	NO(FIRMWARE, "smbios-field(sys_vendor = QEMU)");
	machine_file("/sys/class/dmi/id/sys_vendor", "Some Maker \n");
	machine_file("/sys/class/dmi/id/bios_version", "1.10.2\n");
	YES(FIRMWARE, "smbios-field(sys_vendor = \"Some Maker\")");
	NO(FIRMWARE, "smbios-field(sys_vendor = Some)");
	YES(FIRMWARE, "smbios-field(sys_vendor != QEMU)");
	YES(FIRMWARE, "smbios-field(sys_vendor $= \"Some*\")");
	YES(FIRMWARE, "smbios-field(bios_version>=1.9)");
	NO(FIRMWARE, "smbios-field(bios_version < 1.9)");
	NO(FIRMWARE, "device-tree-compatible(acme,board)");
	machine_file("/proc/device-tree/compatible", "acme,board");
	YES(FIRMWARE, "device-tree-compatible(acme,board)");
	NO(FIRMWARE, "device-tree-compatible(acme)");
}

static void a_container_has_no_first_boot_and_always_power(void **state)
{
	NO(FIRST_BOOT, "yes");
	YES(FIRST_BOOT, "no");
	NO(NEEDS_UPDATE, "/etc");
	NO(CREDENTIAL, "x");
	YES(AC_POWER, "true");
	NO(AC_POWER, "false");
	REFUSED(AC_POWER, "perhaps");
	REFUSED(FIRST_BOOT, "");
}

static void every_kind_has_a_name_and_a_check(void **state)
{
	for (enum condition_kind k = 0; k < CONDITION_KINDS_N; k++) {
		struct condition condition = {.kind = k, .arg = "/x"};

		assert_true(strlen(condition_kind_name(k)) > 3);
		/* Most take nothing; none is undone by it. */
		(void)condition_argument_check(k, "", NULL);
		(void)condition_argument_check(k, "\xff", NULL);
		(void)condition_ask(&condition, NULL, &world);
	}
	assert_string_equal(condition_kind_name(CONDITION_KINDS_N), "?");
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, machine_make, files_remove)

/* ---- [X-Hakim] ---- */

static char said[256];

static enum condition_verdict ask_hakim(enum condition_kind kind, const char *arg, bool negate,
					const char *const *vars, const char *search)
{
	char *path = (char *)search;
	struct condition condition = {.kind = kind, .arg = (char *)arg, .negate = negate};
	struct unit asking = {.conditions = &condition,
			      .n_conditions = 1,
			      .exec.search_path = {&path, search ? 1 : 0}};
	struct strv env = {(char **)vars, 0};
	struct condition_world w = world;

	for (; vars[env.n]; env.n++)
		;
	w.env = &env;
	said[0] = '\0';
	assert_int_equal(condition_argument_check(kind, arg, NULL), 0);
	return condition_check(&asking, &w, said, sizeof(said));
}

#define ENABLED(arg, ...) \
	ask_hakim(CONDITION_ENABLED, arg, false, (const char *const[]){__VA_ARGS__}, NULL)

static void a_module_is_switched_by_its_variable(void **state)
{
	assert_int_equal(ENABLED("START_X=yes", NULL), CONDITIONS_HOLD);
	assert_int_equal(ENABLED("START_X=yes", "START_X=", NULL), CONDITIONS_HOLD);
	assert_int_equal(ENABLED("START_X=yes", "START_X=true", NULL), CONDITIONS_HOLD);
	assert_int_equal(ENABLED("START_X=yes", "START_X=No", NULL), CONDITIONS_UNMET);
	assert_string_equal(said, "START_X=No switches it off");
	assert_int_equal(ENABLED("START_X", "START_X=1", NULL), CONDITIONS_HOLD);
	assert_int_equal(ENABLED("START_X=no", "START_XY=1", NULL), CONDITIONS_UNMET);
	assert_string_equal(said, "START_X is not set: START_X=1 switches it on");
	assert_int_equal(ENABLED("START_X=yes", "START_X=maybe", NULL), CONDITIONS_WRONG);
	assert_string_equal(said, "START_X=maybe is neither yes nor no: set it to 1 or 0");
	assert_int_not_equal(condition_argument_check(CONDITION_ENABLED, "A=b", NULL), 0);
	assert_int_not_equal(condition_argument_check(CONDITION_ENABLED, "1A", NULL), 0);
}

static void executable(const char *path)
{
	char full[256];

	machine_file(path, "#!");
	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(chmod(full, 0755), 0);
}

static void a_module_asks_for_its_program(void **state)
{
	static const char *const path[] = {"PATH=/nonexistent:/bin", NULL};

	executable("/bin/tool");
	executable("/opt/own/other");
	machine_file("/bin/text", "");
	assert_int_equal(ask_hakim(CONDITION_PROGRAM, "tool", false, path, NULL), CONDITIONS_HOLD);
	assert_int_equal(ask_hakim(CONDITION_PROGRAM, "/bin/tool", false, path, NULL),
			 CONDITIONS_HOLD);
	assert_int_equal(ask_hakim(CONDITION_PROGRAM, "text", false, path, NULL), CONDITIONS_UNMET);
	assert_string_equal(said, "the program text is not installed (it is not in the PATH)");
	/* ExecSearchPath= is where it will be looked for. */
	assert_int_equal(ask_hakim(CONDITION_PROGRAM, "other", false, path, "/opt/own"),
			 CONDITIONS_HOLD);
	assert_int_equal(ask_hakim(CONDITION_PROGRAM, "tool", false, path, "/opt/own"),
			 CONDITIONS_UNMET);
	assert_int_equal(ask_hakim(CONDITION_PROGRAM, "tool", true, path, NULL), CONDITIONS_UNMET);
	assert_string_equal(said, "the program tool is installed");
	assert_int_not_equal(condition_argument_check(CONDITION_PROGRAM, "a b", NULL), 0);
	assert_int_not_equal(condition_argument_check(CONDITION_PROGRAM, "", NULL), 0);
}

static void features_of_the_processor(void **state)
{
	NO(CPU_FEATURE, "sse2");
	machine_file("/proc/cpuinfo", "processor\t: 0\nmodel name\t: a sse5 of avx512\n"
				      "flags\t\t: fpu sse sse2 pclmulqdq fma avx xsave rdrand\n"
				      "bugs\t\t: spectre\nprocessor\t: 1\n");
	YES(CPU_FEATURE, "fpu");
	YES(CPU_FEATURE, "sse2");
	YES(CPU_FEATURE, "rdrand");
	YES(CPU_FEATURE, "pclmul");
	YES(CPU_FEATURE, "fma3");
	YES(CPU_FEATURE, "osxsave");
	NO(CPU_FEATURE, "sse5");
	NO(CPU_FEATURE, "av");
	NO(CPU_FEATURE, "avx2");
	NO(CPU_FEATURE, "spectre");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(features_of_the_processor),
		WITH(paths_are_what_they_are),
		WITH(globs_are_matched_a_component_at_a_time),
		WITH(mounts_are_told_from_directories),
		WITH(empty_files_and_directories_are_empty),
		WITH(users_and_groups_are_the_supervisors),
		WITH(a_container_is_one_whatever_it_is_on),
		WITH(hosts_have_a_name_and_an_id),
		WITH(kernels_are_compared_as_versions_and_patterns),
		WITH(versions_are_in_the_order_of_the_specification),
		WITH(architectures_have_systemds_names),
		WITH(the_kernels_command_line_has_words),
		WITH(modules_lie_in_sys),
		WITH(capabilities_are_those_of_the_bounding_set),
		WITH(memory_and_processors_are_the_containers),
		WITH(pressure_is_at_most_the_limit),
		WITH(controllers_must_all_be_there),
		WITH(releases_are_compared_by_field),
		WITH(what_the_kernel_protects_with_is_seen_by_its_files),
		WITH(a_container_has_no_first_boot_and_always_power),
		WITH(every_kind_has_a_name_and_a_check),
		WITH(a_module_is_switched_by_its_variable),
		WITH(a_module_asks_for_its_program),
	};

	return cmocka_run_group_tests_name("condition kinds", tests, NULL, NULL);
}
