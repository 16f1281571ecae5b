/* Drives the front's fuzz target without libFuzzer: COUNT SEED FILE…, each file and then COUNT mutations of them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

enum { MOST_FILES = 64, MOST_BYTES = 8192, MOST_CHANGES = 8 };

static struct input {
	size_t length;
	uint8_t bytes[MOST_BYTES];
} files[MOST_FILES];
static uint64_t state;

/* xorshift64 */
static size_t below(size_t end)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return end > 0 ? (size_t)(state % end) : 0;
}

static void change(struct input *input, const struct input *other)
{
	static const uint8_t edges[] = { 0, 1, 2, 8, 9, 10, 11, '\n', '\r', '=', '[', 127, 128, 255 };
	size_t at = below(input->length);
	size_t part = below(input->length - at) % 64;
	switch (below(5)) {
	case 0:
		input->bytes[at] = (uint8_t)below(256);
		break;
	case 1:
		input->bytes[at] = edges[below(sizeof edges)];
		break;
	case 2: /* takes a part out */
		memmove(input->bytes + at, input->bytes + at + part, input->length - at - part);
		input->length -= part;
		break;
	case 3: /* doubles a part */
		if (input->length + part <= MOST_BYTES) {
			memmove(input->bytes + at + part, input->bytes + at, input->length - at);
			input->length += part;
		}
		break;
	default: /* goes on as another does */
		part = below(other->length);
		if (at + other->length - part <= MOST_BYTES) {
			memcpy(input->bytes + at, other->bytes + part, other->length - part);
			input->length = at + other->length - part;
		}
	}
}

int main(int count, char **words)
{
	int held = 0;
	for (int i = 3; i < count && held < MOST_FILES; i++) {
		FILE *file = fopen(words[i], "rb");
		if (!file) {
			perror(words[i]);
			return 1;
		}
		files[held].length = fread(files[held].bytes, 1, MOST_BYTES, file);
		fclose(file);
		LLVMFuzzerTestOneInput(files[held].bytes, files[held].length);
		held++;
	}
	if (held == 0) {
		return 1;
	}
	state = strtoull(words[2], NULL, 10) | 1;
	long runs = strtol(words[1], NULL, 10);
	for (long run = 0; run < runs; run++) {
		static struct input input;
		input = files[below((size_t)held)];
		for (size_t changes = below(MOST_CHANGES) + 1; changes > 0 && input.length > 0; changes--) {
			change(&input, &files[below((size_t)held)]);
		}
		LLVMFuzzerTestOneInput(input.bytes, input.length);
	}
	printf("%ld inputs\n", runs);
	return 0;
}
