#include "modules/home/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

#define FIRST_ID 1000u
#define LAST_ID  59999u /* login.defs(5), UID_MAX */

/* useradd's own rule for Debian, which has no place for "/", ":" or a "-" in front. */
static bool name_valid(const char *name)
{
	size_t len =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	return len && !name[len] && len < ACCOUNT_NAME_MAX && !strchr("-.0123456789", *name);
}

static int parse_id(const char *variable, const char *text, unsigned *id, struct err *err)
{
	char *end;
	unsigned long value;

	*id = FIRST_ID;
	if (!text || !*text)
		return 0;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || value == 0 || value > LAST_ID)
		return err_set(err, -EINVAL,
			       "%s=%.40s is no number from 1 to %u: set it so, or not at all",
			       variable, text, LAST_ID);
	*id = (unsigned)value;
	return 0;
}

static int remark(struct account *account, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int remark(struct account *account, const char *fmt, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	return n < 0 ? -ENOMEM : strv_take(&account->remarks, text);
}

int account_names(const struct account_wish *wish, struct account *account, struct err *err)
{
	const char *user = wish->user && *wish->user ? wish->user : "coder";
	int n;

	*account = (struct account){.uid = ACCOUNT_NOBODY};
	if (!name_valid(user))
		return err_set(err, -EINVAL, "CODER_USER=%.40s is no name for a user", user);
	snprintf(account->user, sizeof(account->user), "%s", user);
	if (wish->home && *wish->home && *wish->home != '/')
		return err_set(err, -EINVAL, "CODER_HOME=%.80s is not an absolute path",
			       wish->home);
	n = wish->home && *wish->home
		    ? snprintf(account->home, sizeof(account->home), "%s", wish->home)
		    : snprintf(account->home, sizeof(account->home), "/home/%s", user);
	if (n >= (int)sizeof(account->home))
		return err_set(err, -ENAMETOOLONG, "CODER_HOME is too long");
	return 0;
}

/* The user is there: it stays what it is. True when it was found. */
static bool find_user(FILE *passwd, struct account *account, const struct account_wish *wish)
{
	const struct passwd *pw;

	rewind(passwd);
	while ((pw = fgetpwent(passwd))) {
		if (strcmp(pw->pw_name, account->user) != 0)
			continue;
		account->uid = pw->pw_uid;
		account->gid = pw->pw_gid;
		if ((!wish->home || !*wish->home) && pw->pw_dir[0] == '/')
			snprintf(account->home, sizeof(account->home), "%s", pw->pw_dir);
		return true;
	}
	return false;
}

/* The group of a user that is to be made. */
static int choose_group(FILE *group, struct account *account, gid_t gid)
{
	const struct group *gr;

	account->gid = gid;
	account->make_group = true;
	snprintf(account->group, sizeof(account->group), "%s", account->user);
	rewind(group);
	while ((gr = fgetgrent(group))) {
		bool same_name = strcmp(gr->gr_name, account->user) == 0;

		if (gr->gr_gid != gid && !same_name)
			continue;
		account->make_group = false;
		account->gid = gr->gr_gid;
		snprintf(account->group, sizeof(account->group), "%s", gr->gr_name);
		/* The number decides about files, so it goes before the name. */
		if (gr->gr_gid == gid)
			break;
	}
	if (account->make_group)
		return 0;
	if (account->gid != gid)
		return remark(account, "the image's group %s has gid %u: gid %u is not used",
			      account->group, account->gid, gid);
	if (strcmp(account->group, account->user) != 0)
		return remark(account, "gid %u is the image's group %s: it is %s's group", gid,
			      account->group, account->user);
	return 0;
}

/* Whose a number is, into name; false when it is free. */
static bool uid_taken(FILE *passwd, uid_t uid, char name[static ACCOUNT_NAME_MAX])
{
	const struct passwd *pw;

	rewind(passwd);
	while ((pw = fgetpwent(passwd))) {
		if (pw->pw_uid != uid)
			continue;
		snprintf(name, ACCOUNT_NAME_MAX, "%s", pw->pw_name);
		return true;
	}
	return false;
}

static int choose_uid(FILE *passwd, struct account *account, uid_t wished, uid_t home_owner,
		      struct err *err)
{
	char owner[ACCOUNT_NAME_MAX], other[ACCOUNT_NAME_MAX];

	account->uid = wished;
	if (!uid_taken(passwd, wished, owner))
		return 0;
	/* The data decide: what lies in the home of an earlier life must stay the user's. */
	if (home_owner == wished) {
		account->shared_uid = true;
		return remark(
			account,
			"uid %u is also the image's user %s, and %s belongs to it: both names "
			"mean the same user",
			wished, owner, account->home);
	}
	for (uid_t uid = FIRST_ID; uid <= LAST_ID; uid++) {
		if (uid_taken(passwd, uid, other))
			continue;
		account->uid = uid;
		return remark(account, "uid %u is the image's user %s: %s gets uid %u", wished,
			      owner, account->user, uid);
	}
	return err_set(err, -EUSERS, "no uid from %u to %u is free for %s", FIRST_ID, LAST_ID,
		       account->user);
}

int account_decide(FILE *passwd, FILE *group, const struct account_wish *wish, uid_t home_owner,
		   struct account *account, struct err *err)
{
	unsigned uid = FIRST_ID, gid = FIRST_ID;
	int r = account_names(wish, account, err);

	if (r == 0)
		r = parse_id("CODER_UID", wish->uid, &uid, err);
	if (r == 0)
		r = parse_id("CODER_GID", wish->gid, &gid, err);
	if (r < 0)
		return r;
	if (find_user(passwd, account, wish)) {
		if (wish->uid && *wish->uid && uid != account->uid)
			r = remark(
				account,
				"CODER_UID=%u is not applied: the image's user %s has uid %u, and "
				"files belong to that",
				uid, account->user, account->uid);
		if (r == 0 && wish->gid && *wish->gid && gid != account->gid)
			r = remark(
				account,
				"CODER_GID=%u is not applied: the image's user %s has gid %u, and "
				"files belong to that",
				gid, account->user, account->gid);
	} else {
		account->make_user = true;
		r = choose_group(group, account, gid);
		if (r == 0)
			r = choose_uid(passwd, account, uid, home_owner, err);
	}
	return r == -ENOMEM ? err_sys(err, r, "the user") : r;
}
