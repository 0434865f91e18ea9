#include "supervisor/exit_set.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "supervisor/command.h"

/* systemd.exec(5), "PROCESS EXIT CODES": those of LSB, of BSD's sysexits.h and of systemd itself.
 */
static const struct {
	const char *name;
	int status;
} names[] = {
	{"SUCCESS", 0},
	{"FAILURE", 1},
	{"INVALIDARGUMENT", 2},
	{"NOTIMPLEMENTED", 3},
	{"NOPERMISSION", 4},
	{"NOTINSTALLED", 5},
	{"NOTCONFIGURED", 6},
	{"NOTRUNNING", 7},
	{"USAGE", 64},
	{"DATAERR", 65},
	{"NOINPUT", 66},
	{"NOUSER", 67},
	{"NOHOST", 68},
	{"UNAVAILABLE", 69},
	{"SOFTWARE", 70},
	{"OSERR", 71},
	{"OSFILE", 72},
	{"CANTCREAT", 73},
	{"IOERR", 74},
	{"TEMPFAIL", 75},
	{"PROTOCOL", 76},
	{"NOPERM", 77},
	{"CONFIG", 78},
	{"CHDIR", 200},
	{"NICE", 201},
	{"FDS", 202},
	{"EXEC", 203},
	{"MEMORY", 204},
	{"LIMITS", 205},
	{"OOM_ADJUST", 206},
	{"SIGNAL_MASK", 207},
	{"STDIN", 208},
	{"STDOUT", 209},
	{"CHROOT", 210},
	{"IOPRIO", 211},
	{"TIMERSLACK", 212},
	{"SECUREBITS", 213},
	{"SETSCHEDULER", 214},
	{"CPUAFFINITY", 215},
	{"GROUP", 216},
	{"USER", 217},
	{"CAPABILITIES", 218},
	{"CGROUP", 219},
	{"SETSID", 220},
	{"CONFIRM", 221},
	{"STDERR", 222},
	{"PAM", 224},
	{"NETWORK", 225},
	{"NAMESPACE", 226},
	{"NO_NEW_PRIVILEGES", 227},
	{"SECCOMP", 228},
	{"SELINUX_CONTEXT", 229},
	{"PERSONALITY", 230},
	{"APPARMOR_PROFILE", 231},
	{"ADDRESS_FAMILIES", 232},
	{"RUNTIME_DIRECTORY", 233},
	{"CHOWN", 235},
	{"SMACK_PROCESS_LABEL", 236},
	{"KEYRING", 237},
	{"STATE_DIRECTORY", 238},
	{"CACHE_DIRECTORY", 239},
	{"LOGS_DIRECTORY", 240},
	{"CONFIGURATION_DIRECTORY", 241},
	{"NUMA_POLICY", 242},
	{"CREDENTIALS", 243},
	{"BPF", 245},
	{"EXCEPTION", 255},
};

static int word_parse(struct exit_set *set, const char *word, struct err *err)
{
	unsigned status;
	int sig;

	if (isdigit((unsigned char)*word)) {
		int r = unsigned_parse(word, 255, &status, err);

		if (r < 0)
			return r;
		set->status[status / 64] |= 1ull << status % 64;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i].name, word) != 0)
			continue;
		set->status[names[i].status / 64] |= 1ull << names[i].status % 64;
		return 0;
	}
	sig = signal_parse(word, NULL);
	if (sig < 0)
		return err_set(err, -EINVAL,
			       "\"%.60s\" is no exit status, no name of one and no signal", word);
	set->signal[sig / 64] |= 1ull << sig % 64;
	return 0;
}

int exit_set_parse(struct exit_set *set, const char *value, struct err *err)
{
	_cleanup_(strv_free) struct strv words = {0};
	struct exit_set fresh = *set;
	int r = words_split(value, &words, err);

	for (size_t i = 0; i < words.n && r == 0; i++)
		r = word_parse(&fresh, words.v[i], err);
	if (r == 0)
		*set = fresh;
	return r;
}

bool exit_set_has(const struct exit_set *set, int status)
{
	unsigned n;

	if (WIFSIGNALED(status)) {
		n = (unsigned)WTERMSIG(status);
		return n < 128 && set->signal[n / 64] >> n % 64 & 1;
	}
	n = (unsigned)WEXITSTATUS(status);
	return set->status[n / 64] >> n % 64 & 1;
}
