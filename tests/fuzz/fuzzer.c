/* fuzzer.c - the target under libFuzzer. There is one in each program. */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_run(fuzz_targets, data, len);
	return 0;
}
