#include "supervisor/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

static bool parse_number(const char *text, unsigned *value)
{
	unsigned long v;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	v = strtoul(text, &end, 10);
	/* (uid_t)-1 means "leave it" to the kernel. */
	if (errno || *end || v >= 0xffffffffu)
		return false;
	*value = (unsigned)v;
	return true;
}

static int find_user(const char *user, struct identity *id, struct err *err)
{
	_cleanup_fclose_ FILE *f = fopen("/etc/passwd", "re");
	bool is_number = parse_number(user, &id->uid);
	struct passwd *pw;

	while (f && (pw = fgetpwent(f))) {
		if (is_number ? pw->pw_uid != id->uid : strcmp(pw->pw_name, user) != 0)
			continue;
		id->uid = pw->pw_uid;
		id->gid = pw->pw_gid;
		snprintf(id->name, sizeof(id->name), "%s", pw->pw_name);
		snprintf(id->home, sizeof(id->home), "%s", *pw->pw_dir ? pw->pw_dir : "/");
		snprintf(id->shell, sizeof(id->shell), "%s",
			 *pw->pw_shell ? pw->pw_shell : "/bin/sh");
		return 0;
	}
	if (!is_number)
		return err_set(err, -ENOENT, "User=%s: there is no such user in /etc/passwd", user);
	id->gid = id->uid;
	return 0;
}

static int find_group(const char *directive, const char *group, gid_t *gid, struct err *err)
{
	_cleanup_fclose_ FILE *f = NULL;
	struct group *gr;

	if (parse_number(group, gid))
		return 0;
	f = fopen("/etc/group", "re");
	while (f && (gr = fgetgrent(f))) {
		if (strcmp(gr->gr_name, group) != 0)
			continue;
		*gid = gr->gr_gid;
		return 0;
	}
	return err_set(err, -ENOENT, "%s=%s: there is no such group in /etc/group", directive,
		       group);
}

static void find_supplementary(struct identity *id)
{
	_cleanup_fclose_ FILE *f = NULL;
	struct group *gr;

	id->groups[id->n_groups++] = id->gid;
	if (!id->name[0])
		return;
	f = fopen("/etc/group", "re");
	while (f && (gr = fgetgrent(f)) && id->n_groups < IDENTITY_GROUPS_MAX) {
		if (gr->gr_gid == id->gid)
			continue;
		for (char **m = gr->gr_mem; *m; m++) {
			if (strcmp(*m, id->name) == 0) {
				id->groups[id->n_groups++] = gr->gr_gid;
				break;
			}
		}
	}
}

int identity_find(const char *user, const char *group, struct identity *id, struct err *err)
{
	int r;

	*id = (struct identity){0};
	if (!user && !group)
		return 0;
	id->set = true;
	id->uid = geteuid();
	id->gid = getegid();
	if (user) {
		r = find_user(user, id, err);
		if (r < 0)
			return r;
	}
	if (group) {
		r = find_group("Group", group, &id->gid, err);
		if (r < 0)
			return r;
	}
	find_supplementary(id);
	/* Already who it should be: works without privileges, too. */
	if (geteuid() != 0 && id->uid == geteuid() && id->gid == getegid())
		id->set = false;
	else if (geteuid() != 0)
		return err_set(err, -EPERM, "User=%s needs root, and this container runs as uid %u",
			       user ? user : group, geteuid());
	return 0;
}

int identity_add_groups(struct identity *id, const struct strv *groups, struct err *err)
{
	if (!groups->n)
		return 0;
	if (geteuid() != 0)
		return err_set(err, -EPERM,
			       "SupplementaryGroups= needs root, and this container runs as uid %u",
			       geteuid());
	if (!id->set) {
		id->set = true;
		id->uid = geteuid();
		id->gid = getegid();
		id->groups[id->n_groups++] = id->gid;
	}
	for (size_t i = 0; i < groups->n; i++) {
		gid_t gid = 0;
		int r = find_group("SupplementaryGroups", groups->v[i], &gid, err);

		if (r < 0)
			return r;
		if (id->n_groups >= IDENTITY_GROUPS_MAX)
			return err_set(err, -E2BIG, "SupplementaryGroups=: more than %d groups",
				       IDENTITY_GROUPS_MAX);
		id->groups[id->n_groups++] = gid;
	}
	return 0;
}
