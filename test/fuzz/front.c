/* libFuzzer: the front's readers of what comes from outside, the daemon's answer in slices and the configuration. */
#include "../../src/client/answer.h"
#include "../../src/client/front.h"

#include <stdlib.h>
#include <string.h>

static uint64_t written;
static volatile char last;

static bool on_data(void *context, const unsigned char *bytes, size_t count)
{
	struct answer *answer = context;
	written += count;
	last = (char)(bytes[0] ^ bytes[count - 1]);
	if (!answer->has_size || written > answer->size) {
		abort(); /* more than was announced must never be written */
	}
	return true;
}

static bool on_rewind(void *context)
{
	(void)context;
	written = 0;
	return true;
}

static void on_line(void *context, const char *text, size_t length)
{
	(void)context;
	for (size_t i = 0; i < length; i++) {
		last = text[i];
	}
}

static void on_ahead_wanted(void *context)
{
	(void)context;
}

static void on_progress(void *context, uint64_t done, uint64_t elapsed_ms)
{
	(void)context;
	last = (char)(done ^ elapsed_ms);
}

static const struct answer_handler HANDLER = { on_data, on_rewind, on_line, on_ahead_wanted, on_progress };
static const char HEAD[] = "HTTP/1.1 200 OK\r\n\r\n";

/* The first byte says how the rest is sliced and whether a good head goes before it. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	static struct answer answer;
	static struct conf conf;
	if (count == 0) {
		return 0;
	}
	size_t slice = (bytes[0] & 63) + 1;
	enum answer_state state = ANSWER_GOES_ON;
	memset(&conf, 0, sizeof conf);
	conf_parse(&conf, (const char *)bytes + 1, count - 1);
	written = 0;
	answer_init(&answer, &HANDLER, &answer);
	if (bytes[0] & 128) {
		state = answer_feed(&answer, (const unsigned char *)HEAD, sizeof HEAD - 1);
	}
	for (size_t at = 1; at < count && state == ANSWER_GOES_ON; at += slice) {
		size_t part = count - at < slice ? count - at : slice;
		/* A copy of its own, so that one byte past it is found. */
		unsigned char *copy = malloc(part);
		memcpy(copy, bytes + at, part);
		state = answer_feed(&answer, copy, part);
		free(copy);
	}
	if (state == ANSWER_DONE && written != answer.size) {
		abort();
	}
	if (answer.gathered > TEXT_BYTES) {
		abort();
	}
	return 0;
}
