/*
 * hakim-home - the ExecStart= of modules/home: the user, the home and the project directory of the
 * workspace are there. docs/modules/home.md says what it does and what it leaves alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/notify.h"
#include "modules/home/account.h"
#include "modules/home/tree.h"

static const char help[] =
	"Usage: hakim-home\n"
	"\n"
	"Makes the user, the home and the project directory of the workspace, where they are not "
	"there.\n"
	"\n"
	"Environment: CODER_USER (coder), CODER_UID and CODER_GID (1000, for a user that is "
	"made),\n"
	"CODER_HOME (/home/$CODER_USER), CODER_PROJECT_DIR ($CODER_HOME/project).\n"
	"\n"
	"Exit status: 0 there is a home; 1 there is none, and why is said; 2 a wrong variable.\n";

static int run(char *const *argv, struct err *err)
{
	pid_t pid;
	int status;
	int r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);

	if (r == ENOENT)
		return err_set(err, -r,
			       "the user cannot be made: %s is missing (Debian's package passwd)",
			       argv[0]);
	if (r)
		return err_sys(err, -r, "%s cannot be run", argv[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, -errno, "%s", argv[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(err, -EIO,
		       "the user cannot be made: %s failed, and its words are in the log", argv[0]);
}

static int make_account(const struct account *a, struct err *err)
{
	char uid[16], gid[16];
	char *const group[] = {(char *)"groupadd", (char *)"--gid", gid, (char *)a->group, NULL};
	char *const user[] = {(char *)"useradd",
			      (char *)"--uid",
			      uid,
			      (char *)"--gid",
			      gid,
			      (char *)"--home-dir",
			      (char *)a->home,
			      (char *)"--no-create-home",
			      (char *)"--shell",
			      (char *)"/bin/bash",
			      (char *)a->user,
			      a->shared_uid ? (char *)"--non-unique" : NULL,
			      NULL};
	int r = 0;

	snprintf(uid, sizeof(uid), "%u", a->uid);
	snprintf(gid, sizeof(gid), "%u", a->gid);
	if (a->make_group)
		r = run(group, err);
	return r == 0 && a->make_user ? run(user, err) : r;
}

static int decide(struct account *account, struct err *err)
{
	const struct account_wish wish = {getenv("CODER_USER"), getenv("CODER_HOME"),
					  getenv("CODER_UID"), getenv("CODER_GID")};
	_cleanup_fclose_ FILE *passwd = fopen("/etc/passwd", "re");
	_cleanup_fclose_ FILE *group = fopen("/etc/group", "re");
	int r = account_names(&wish, account, err);

	if (r < 0)
		return r;
	if (!passwd || !group)
		return err_sys(err, -errno, "/etc/passwd and /etc/group cannot be read");
	return account_decide(passwd, group, &wish, tree_owner(account->home), account, err);
}

/* All of them to the log; the last one, the most concrete, to the status. */
static void tell(const struct notify *notify, const struct account *a, const struct strv *remarks)
{
	char text[512];

	for (size_t i = 0; i < remarks->n; i++)
		dprintf(STDERR_FILENO, "hakim-home: %s\n", remarks->v[i]);
	snprintf(text, sizeof(text), "%s is %s's (uid %u)", a->home, a->user, a->uid);
	if (remarks->n)
		snprintf(text, sizeof(text), "%s%s", remarks->v[remarks->n - 1],
			 remarks->n > 1 ? " (and more in the log)" : "");
	notify_status(notify, text);
}

/*
 * /run/user/UID, as a login would have it. A workspace without it is one all the same.
 */
static void runtime_directory(const struct account *a, struct strv *remarks)
{
	_cleanup_close_ int dir = -EBADF;
	char path[64], text[160];
	struct stat st;

	mkdir("/run/user", 0755);
	snprintf(path, sizeof(path), "/run/user/%u", a->uid);
	mkdir(path, 0700);
	/* What is there may be a link, or another user's. */
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir >= 0 && fchown(dir, a->uid, a->gid) == 0 && fchmod(dir, 0700) == 0 &&
	    fstat(dir, &st) == 0 && st.st_uid == a->uid)
		return;
	snprintf(text, sizeof(text), "%s cannot be made (%s): there is no session bus", path,
		 strerror(errno));
	strv_add(remarks, text);
}

static int prepare(struct account *account, struct strv *remarks, struct err *err)
{
	const char *project = getenv("CODER_PROJECT_DIR");
	_cleanup_free_ char *own = NULL;
	struct tree tree = {.account = account, .skel = "/etc/skel", .remarks = remarks};
	int r = make_account(account, err);

	if (r < 0)
		return r;
	if (asprintf(&own, "%s/project", account->home) < 0) {
		own = NULL;
		return err_sys(err, -ENOMEM, "the project directory");
	}
	runtime_directory(account, remarks);
	tree.project = project && *project ? project : own;
	if (*tree.project != '/')
		return err_set(err, -EINVAL, "CODER_PROJECT_DIR=%.80s is not an absolute path",
			       tree.project);
	return tree_prepare(&tree, err);
}

int main(int argc, char **argv)
{
	struct account account = {0};
	struct notify notify;
	struct err err = {0};
	int r;

	if (argc > 1) {
		bool asked = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;

		fputs(help, asked ? stdout : stderr);
		return asked ? 0 : 2;
	}
	umask(022);
	notify_open(&notify);
	r = decide(&account, &err);
	if (r == 0)
		r = prepare(&account, &account.remarks, &err);
	if (r == 0) {
		tell(&notify, &account, &account.remarks);
	} else {
		dprintf(STDERR_FILENO, "hakim-home: %s\n", err.text);
		notify_status(&notify, err.text);
	}
	strv_free(&account.remarks);
	notify_close(&notify);
	return r == 0 ? 0 : r == -EINVAL ? 2 : 1;
}
