#include "supervisor/condition_kinds.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

#include "common/cleanup.h"

enum condition_operator condition_operator_take(const char **text)
{
	/* The longer ones first. */
	static const struct {
		const char *text;
		enum condition_operator op;
	} operators[] = {
		{"!$=", OPERATOR_NOT_MATCH}, {"$=", OPERATOR_MATCH}, {"<=", OPERATOR_LESS_EQUAL},
		{"<>", OPERATOR_NOT_SAME},   {"<", OPERATOR_LESS},   {">=", OPERATOR_GREATER_EQUAL},
		{">", OPERATOR_GREATER},     {"==", OPERATOR_SAME},  {"=", OPERATOR_EQUAL},
		{"!=", OPERATOR_NOT_EQUAL},
	};

	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		size_t len = strlen(operators[i].text);

		if (strncmp(*text, operators[i].text, len) != 0)
			continue;
		*text += len;
		*text += strspn(*text, " \t");
		return operators[i].op;
	}
	return OPERATOR_NONE;
}

static bool holds(enum condition_operator op, int order)
{
	switch (op) {
	case OPERATOR_LESS:
		return order < 0;
	case OPERATOR_LESS_EQUAL:
		return order <= 0;
	case OPERATOR_EQUAL:
	case OPERATOR_SAME:
		return order == 0;
	case OPERATOR_NOT_EQUAL:
	case OPERATOR_NOT_SAME:
		return order != 0;
	case OPERATOR_GREATER_EQUAL:
		return order >= 0;
	case OPERATOR_GREATER:
		return order > 0;
	default:
		return false;
	}
}

bool condition_compare_numbers(enum condition_operator op, uint64_t a, uint64_t b)
{
	return holds(op, (a > b) - (a < b));
}

bool condition_compare_texts(enum condition_operator op, const char *a, const char *b)
{
	switch (op) {
	case OPERATOR_MATCH:
		return fnmatch(b, a, 0) == 0;
	case OPERATOR_NOT_MATCH:
		return fnmatch(b, a, 0) != 0;
	case OPERATOR_EQUAL:
	case OPERATOR_NOT_EQUAL:
		return holds(op, strcmp(a, b));
	default:
		return holds(op, condition_compare_versions(a, b));
	}
}

static bool is_part(char c)
{
	return isalnum((unsigned char)c) || c == '~' || c == '-' || c == '^' || c == '.';
}

static int sign(long value)
{
	return (value > 0) - (value < 0);
}

/* A run of digits: without zeros in front the longer one is the larger. */
static int compare_digits(const char **a, const char **b)
{
	size_t x, y;
	int order;

	*a += strspn(*a, "0");
	*b += strspn(*b, "0");
	x = strspn(*a, "0123456789");
	y = strspn(*b, "0123456789");
	order = x != y ? sign((long)x - (long)y) : sign(strncmp(*a, *b, x));
	*a += x;
	*b += y;
	return order;
}

/* A run of letters; capitals come before small ones. */
static int compare_letters(const char **a, const char **b)
{
	while (isalpha((unsigned char)**a) && **a == **b) {
		(*a)++;
		(*b)++;
	}
	if (isalpha((unsigned char)**a) && isalpha((unsigned char)**b))
		return sign(**a - **b);
	return sign(!!isalpha((unsigned char)**a) - !!isalpha((unsigned char)**b));
}

/* One of "~", "-", "^" or "." that one has and the other does not decides; both have it: go on. */
static bool separator_decides(const char **a, const char **b, char c, int order, int *result)
{
	bool x = **a == c, y = **b == c;

	if (x && y) {
		(*a)++;
		(*b)++;
		return false;
	}
	*result = x ? order : -order;
	return x || y;
}

int condition_compare_versions(const char *a, const char *b)
{
	for (;;) {
		int order;

		while (*a && !is_part(*a))
			a++;
		while (*b && !is_part(*b))
			b++;
		/* "1~rc1" is before "1". */
		if (separator_decides(&a, &b, '~', -1, &order))
			return order;
		if (!*a || !*b)
			return !!*a - !!*b;
		/* "1-1" is before "1.1" and "1^1". */
		if (separator_decides(&a, &b, '-', -1, &order) ||
		    separator_decides(&a, &b, '^', -1, &order) ||
		    separator_decides(&a, &b, '.', -1, &order))
			return order;
		order = isdigit((unsigned char)*a) || isdigit((unsigned char)*b)
				? compare_digits(&a, &b)
				: compare_letters(&a, &b);
		if (order)
			return order;
	}
}
