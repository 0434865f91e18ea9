/*
 * command_verify.c - `hakim verify`: whether files are archives that Proxmox takes.
 */
#include <errno.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "image/hakim.h"
#include "image/options.h"
#include "image/verify.h"

static int verify_one(const char *path, struct err *err)
{
	_cleanup_(verified_free) struct verified verified = {0};
	_cleanup_(strv_free) struct strv warnings = {0};
	struct survey survey = {0};
	int r = verify_archive(path, &survey, &verified, err);

	if (r < 0)
		return r;
	printf("%s: whole, %s, %zu layers\n", path, verified.manifest.text, verified.image.n);
	if (verify_warnings(&verified.config, &warnings) < 0 ||
	    survey_warnings(&survey, &warnings) < 0)
		return err_set(err, -ENOMEM, "no memory");
	for (size_t i = 0; i < warnings.n; i++)
		hakim_complain(0, "%s: %s", path, warnings.v[i]);
	return 0;
}

int hakim_verify(int argc, char **argv)
{
	_cleanup_(options_free) struct options options;
	struct err err = {0};
	int status = HAKIM_OK;

	if (options_parse(&options, OPTION_VERIFY, argc, argv, &err) < 0)
		return hakim_complain(HAKIM_USAGE, "%s", err.text);
	if (options.help) {
		printf("Usage: hakim verify FILE...\n\n"
		       "Checks layout, digests, sizes and the content of each layer, and warns of\n"
		       "what Proxmox would choke on.\n\n");
		options_help(stdout, OPTION_VERIFY);
		return HAKIM_OK;
	}
	if (options.words.n == 0)
		return hakim_complain(HAKIM_USAGE, "usage: hakim verify FILE...");
	for (size_t i = 0; i < options.words.n; i++)
		if (verify_one(options.words.v[i], &err) < 0)
			status = hakim_complain(HAKIM_FAILED, "%s: %s", options.words.v[i],
						err.text);
	return status;
}
