/*
 * trim.h - gives back the memory that starting up took and idling does not need.
 *
 * The kernel maps a program's pages sixteen at a time around each that is touched, so that after
 * the boot nearly all of the code is resident, the parser of units and libseccomp's tables among
 * it.
 */
#pragma once

/* Costs some minor faults later, and nothing is lost: only clean pages of the program's own file
 * and free memory of the heap. */
void trim_memory(void);
