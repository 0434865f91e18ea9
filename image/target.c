#include "image/target.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/text.h"
#include "image/variants.h"

void targets_free(struct targets *targets)
{
	for (size_t i = 0; i < targets->n; i++) {
		free(targets->v[i].volid);
		free(targets->v[i].legacy);
	}
	free(targets->v);
	*targets = (struct targets){0};
}

int target_name_check(const char *what, const char *name, struct err *err)
{
	char quoted[64];
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && (i == 0 || !strchr("-_.", name[i])))
			len = 0;
	if (len > 0 && len <= 100)
		return 0;
	text_quote(quoted, sizeof(quoted), name, strlen(name));
	return err_set(err, -EINVAL, "\"%s\" is no name of a %s", quoted, what);
}

/* As the script: blanks in a reference or a variant are dropped. */
static void squeeze(char *text)
{
	char *to = text;

	for (const char *c = text; *c; c++)
		if (!isspace((unsigned char)*c))
			*to++ = *c;
	*to = '\0';
}

static int add(struct targets *targets, const struct options *options, const char *reference,
	       struct err *err)
{
	struct target *grown = reallocarray(targets->v, targets->n + 1, sizeof(*grown));
	struct target *t;
	int r;

	if (!grown)
		return err_set(err, -ENOMEM, "out of memory");
	targets->v = grown;
	t = &grown[targets->n];
	*t = (struct target){0};
	r = reference_parse(reference, REFERENCE_TAG, &t->ref, err);
	if (r == 0)
		r = reference_file(&t->ref, t->file, err);
	if (r < 0)
		return r;
	reference_text(&t->ref, t->text);
	for (size_t i = 0; i < targets->n; i++)
		if (strcmp(targets->v[i].file, t->file) == 0)
			return err_set(err, -EINVAL, "%s and %s would both become the template %s",
				       targets->v[i].text, t->text, t->file);
	targets->n++;
	if (options->output)
		return asprintf(&t->volid, "%s/%s", options->output, t->file) < 0
			       ? err_set(err, -ENOMEM, "out of memory")
			       : 0;
	if (asprintf(&t->volid, "%s:vztmpl/%s", options->datastore, t->file) < 0 ||
	    asprintf(&t->legacy, "%s.tar", t->volid) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int add_variant(struct targets *targets, const struct options *options, char *name,
		       struct err *err)
{
	char reference[1024], all[256], quoted[64];

	squeeze(name);
	if (!*name)
		return 0;
	if (!variant_known(name)) {
		variants_text(all, sizeof(all));
		text_quote(quoted, sizeof(quoted), name, strlen(name));
		return err_set(err, -EINVAL,
			       "unsupported variant: %s (there are %s; pull others by --image)",
			       quoted, all);
	}
	if (strcspn(options->tag, "/@:") != strlen(options->tag))
		return err_set(
			err, -EINVAL, "\"%s\" is no tag",
			text_quote(quoted, sizeof(quoted), options->tag, strlen(options->tag)));
	if (snprintf(reference, sizeof(reference), "%s/hakim-%s:%s", options->registry, name,
		     options->tag) >= (int)sizeof(reference))
		return err_set(err, -EINVAL, "the registry's namespace or the tag is too long");
	return add(targets, options, reference, err);
}

int targets_make(const struct options *options, struct targets *targets, struct err *err)
{
	int r = target_name_check("store", options->datastore, err);

	for (size_t i = 0; r == 0 && i < options->nodes.n; i++)
		r = target_name_check("node", options->nodes.v[i], err);
	for (size_t i = 0; r == 0 && i < options->variants.n; i++)
		r = add_variant(targets, options, options->variants.v[i], err);
	for (size_t i = 0; r == 0 && i < options->images.n; i++) {
		squeeze(options->images.v[i]);
		if (*options->images.v[i])
			r = add(targets, options, options->images.v[i], err);
	}
	if (r == 0 && options->variants.n == 0 && options->images.n == 0)
		for (unsigned i = 0; r == 0 && variants[i]; i++) {
			char name[32];

			text_set(name, sizeof(name), variants[i]);
			r = add_variant(targets, options, name, err);
		}
	if (r == 0 && targets->n == 0)
		r = err_set(err, -EINVAL, "no targets to pull");
	return r;
}
