/*
 * exit_code.h - exit codes as shells and the other inits say them.
 */
#pragma once

#define EXIT_NOT_FOUND  127
#define EXIT_CANNOT_RUN 126

/* 0…255 for an end as of wait4(2): 128 and its number for a signal. */
int exit_code_of(int status);
