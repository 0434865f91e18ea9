#include "init/environment.h"

#include <string.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Set only where the place left them unset: LXC gives no locale, and a PATH only if the image has
 * one. */
static char *const defaults[] = {
	/* in the order of enum environment_default */
	(char *)"PATH=" DEFAULT_PATH,
	(char *)"LANG=C.UTF-8",
	(char *)"HOME=/root",
};

/* Secrets without being named in HAKIM_SECRET_ENV: of the agent, and of our modules. */
static const char *const secret_names[] = {
	"CODER_AGENT_TOKEN",      "CODER_AGENT_BOOTSTRAP",     "OPENCHAMBER_UI_PASSWORD",
	"OPENCLAW_GATEWAY_TOKEN", "OPENCLAW_GATEWAY_PASSWORD", "OPENCODE_SERVER_PASSWORD",
};

/* The value of `entry` if it is NAME=…, else NULL. */
static char *value_of(char *entry, const char *name)
{
	size_t len = strlen(name);

	return strncmp(entry, name, len) == 0 && entry[len] == '=' ? entry + len + 1 : NULL;
}

static char *find(char **vars, const char *name)
{
	for (; *vars; vars++) {
		char *value = value_of(*vars, name);

		if (value)
			return value;
	}
	return NULL;
}

/* A wipe that the compiler may not leave out. */
static void wipe(char *p, size_t len)
{
	memset(p, 0, len);
	__asm__ volatile("" : : "r"(p) : "memory");
}

static bool listed(const char *list, const char *entry)
{
	const char *equals = strchr(entry, '=');
	size_t len = equals ? (size_t)(equals - entry) : 0;

	while (list && *list && len) {
		size_t word = strcspn(list, " ,\t\n:");

		if (word == len && strncmp(list, entry, len) == 0)
			return true;
		list += word;
		list += strspn(list, " ,\t\n:");
	}
	return false;
}

static bool is_secret(char *entry, const char *more)
{
	for (size_t i = 0; i < sizeof(secret_names) / sizeof(secret_names[0]); i++)
		if (value_of(entry, secret_names[i]))
			return true;
	return listed(more, entry);
}

static bool add_secret(struct environment *env, const char *entry)
{
	size_t len = strlen(entry) + 1;

	if (sizeof(env->secrets) - env->secrets_len < len) {
		env->problem = "the secrets are larger than 48 KiB together: some were left out";
		return false;
	}
	memcpy(env->secrets + env->secrets_len, entry, len);
	env->secrets_len += len;
	return true;
}

/* An empty one counts as none. */
static bool has_secret(const struct environment *env, const char *name)
{
	size_t len = strlen(name);

	for (size_t at = 0; at < env->secrets_len; at += strlen(env->secrets + at) + 1)
		if (strncmp(env->secrets + at, name, len) == 0 && env->secrets[at + len] == '=' &&
		    env->secrets[at + len + 1])
			return true;
	return false;
}

static void add_var(struct environment *env, char *entry)
{
	size_t len = strcspn(entry, "=") + 1;

	/* In the place of an older one: an empty variable counts as unset, but it is there. */
	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->vars[i], entry, len) == 0) {
			env->vars[i] = entry;
			return;
		}
	}
	if (env->n == ENVIRONMENT_MAX) {
		env->problem = "the environment has more than 2048 variables: some were left out";
		return;
	}
	env->vars[env->n++] = entry;
	env->vars[env->n] = NULL;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	/* The URL-safe alphabet too: it costs nothing and a template may use it. */
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

/* RFC 4648, padding optional, white space skipped (a template's heredoc adds a newline). Length, or
 * -1. */
static int base64_decode(const char *in, char *out, size_t size)
{
	unsigned bits = 0;
	unsigned have = 0;
	size_t n = 0;
	size_t digits = 0;

	for (; *in && *in != '='; in++) {
		int v = base64_value(*in);

		if (*in == ' ' || *in == '\n' || *in == '\r' || *in == '\t')
			continue;
		if (v < 0 || n == size)
			return -1;
		digits++;
		bits = (bits << 6 | (unsigned)v) & 0xffffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have & 0xff);
		}
	}
	for (; *in; in++)
		if (*in != '=' && *in != '\n' && *in != '\r' && *in != ' ' && *in != '\t')
			return -1;
	return digits % 4 == 1 ? -1 : (int)n;
}

const char *bootstrap_decode(const char *text, char *out, size_t size, const char **url,
			     const char **token)
{
	int len = base64_decode(text, out, size - 1);
	char *bar;

	if (len < 0)
		return "CODER_AGENT_BOOTSTRAP is not valid base64: set it to the base64 of "
		       "'url|token'; no agent is started";
	out[len] = '\0';
	while (len > 0 && (out[len - 1] == '\n' || out[len - 1] == '\r'))
		out[--len] = '\0';
	if (strlen(out) != (size_t)len)
		return "CODER_AGENT_BOOTSTRAP has a NUL byte in it; no agent is started";
	bar = strchr(out, '|');
	if (!bar)
		return "CODER_AGENT_BOOTSTRAP has no '|': it must be the base64 of 'url|token'; no "
		       "agent is started";
	if (strchr(bar + 1, '|'))
		return "CODER_AGENT_BOOTSTRAP has more than one '|': neither URL nor token may "
		       "hold one; no agent is started";
	if (bar == out || !bar[1])
		return "CODER_AGENT_BOOTSTRAP lacks the URL or the token: it must be the base64 of "
		       "'url|token'; no agent is started";
	*bar = '\0';
	*url = out;
	*token = bar + 1;
	return NULL;
}

/* Makes CODER_AGENT_URL and CODER_AGENT_TOKEN out of the bootstrap string, where one of them is
 * missing. */
static void apply_bootstrap(struct environment *env, const char *bootstrap)
{
	static const char url_name[] = "CODER_AGENT_URL=";
	static const char token_name[] = "CODER_AGENT_TOKEN=";
	const char *url;
	const char *token;
	char *given = find(env->vars, "CODER_AGENT_URL");

	if (given && *given && has_secret(env, "CODER_AGENT_TOKEN"))
		return;
	env->problem = bootstrap_decode(bootstrap, env->work + sizeof(token_name) - 1,
					sizeof(env->work) - sizeof(token_name), &url, &token);
	if (env->problem)
		return;
	if (!given || !*given) {
		size_t len = strlen(url);

		if (sizeof(env->url) < sizeof(url_name) + len) {
			env->problem = "CODER_AGENT_BOOTSTRAP has a URL of more than 2 KB; no "
				       "agent is started";
			return;
		}
		memcpy(env->url, url_name, sizeof(url_name) - 1);
		memcpy(env->url + sizeof(url_name) - 1, url, len + 1);
		add_var(env, env->url);
	}
	if (!has_secret(env, "CODER_AGENT_TOKEN")) {
		/* There is always room for the name before the token: the text begins behind it. */
		char *entry = (char *)token - (sizeof(token_name) - 1);

		memcpy(entry, token_name, sizeof(token_name) - 1);
		add_secret(env, entry);
	}
}

static bool agent_wanted(struct environment *env)
{
	const char *url = find(env->vars, "CODER_AGENT_URL");
	const char *file = find(env->vars, "CODER_AGENT_TOKEN_FILE");
	const char *auth = find(env->vars, "CODER_AGENT_AUTH");

	if (!url || !*url)
		return false;
	/* "token" is the default and needs one; the other kinds are the cloud's instance
	 * identities. */
	return has_secret(env, "CODER_AGENT_TOKEN") || (file && *file) ||
	       (auth && *auth && strcmp(auth, "token") != 0);
}

void environment_sort(struct environment *env, char **initial)
{
	const char *more = find(initial, "HAKIM_SECRET_ENV");
	size_t bootstrap_at = sizeof(env->secrets);

	env->n = 0;
	env->vars[0] = NULL;
	for (char **e = initial; *e; e++) {
		bool is_bootstrap = value_of(*e, "CODER_AGENT_BOOTSTRAP") != NULL;

		if (!is_secret(*e, more)) {
			add_var(env, *e);
			continue;
		}
		if (is_bootstrap)
			bootstrap_at = env->secrets_len;
		if (!add_secret(env, *e) && is_bootstrap)
			bootstrap_at = sizeof(env->secrets);
		wipe(*e, strlen(*e));
	}
	if (bootstrap_at < sizeof(env->secrets)) {
		apply_bootstrap(env,
				env->secrets + bootstrap_at + strlen("CODER_AGENT_BOOTSTRAP="));
		wipe(env->work, sizeof(env->work));
	}
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		char name[16];
		size_t len = strcspn(defaults[i], "=");

		memcpy(name, defaults[i], len);
		name[len] = '\0';
		if (find(env->vars, name))
			continue;
		add_var(env, defaults[i]);
		env->defaults |= 1u << i;
	}
	env->agent = agent_wanted(env);
	env->container = find(env->vars, "container");
	env->stop_timeout = find(env->vars, "HAKIM_STOP_TIMEOUT");
	env->supervisor = find(env->vars, "HAKIM_SUPERVISOR");
	env->user = find(env->vars, "CODER_USER");
	env->quirks = find(env->vars, "HAKIM_QUIRKS");
	env->kubernetes = find(env->vars, "KUBERNETES_SERVICE_HOST") != NULL;
}
