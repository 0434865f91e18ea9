/*
 * skel.h - /etc/skel into a new home, once.
 *
 * What the user has is never written over, and what they have removed does not come back: a note in
 * the home, .local/state/hakim/skel, says how far it is. Called with the rights of the user.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"

/* Nothing is in it but lost+found. */
bool skel_is_fresh(int home);
/* Into a fresh home, or one in which it was interrupted; else nothing is done. */
int skel_copy(const char *skel, int home, bool fresh, struct err *err);
