/*
 * The daemon's answer to POST /v1/file: an HTTP head, then frames (http/fetch-stream.ts). A machine over slices of any
 * size; it owns all bounds, calls no system function and keeps no more than TEXT_BYTES.
 */
#ifndef PACSRV_ANSWER_H
#define PACSRV_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEAD_BYTES = 16 * 1024, FRAME_BYTES = 1024 * 1024, TEXT_BYTES = 4096 };
/* No package is nearly as large: 1 TiB. */
#define MOST_FILE_BYTES ((uint64_t)1 << 40)

enum frame {
	FRAME_DATA = 2,
	FRAME_REWIND = 4,
	FRAME_AHEAD_WANTED = 6,
	FRAME_SIZE = 7,
	FRAME_LINE = 8,
	FRAME_DONE = 9,
	FRAME_MIRROR = 10,
	FRAME_MISMATCH = 11,
	FRAME_PROGRESS = 12,
};

enum answer_state { ANSWER_GOES_ON, ANSWER_DONE, ANSWER_MIRROR, ANSWER_MISMATCH, ANSWER_BROKEN };

struct answer_handler {
	/* Each returns false to give up. Text is not terminated, and may hold any byte. */
	bool (*data)(void *context, const unsigned char *bytes, size_t count);
	bool (*rewind)(void *context);
	void (*line)(void *context, const char *text, size_t length);
	void (*ahead_wanted)(void *context);
	void (*progress)(void *context, uint64_t done, uint64_t elapsed_ms);
};

struct answer {
	const struct answer_handler *handler;
	void *context;
	uint64_t size, received;
	bool has_size, in_head, in_frame;
	unsigned char type;
	uint32_t left;            /* bytes of the frame that are still to come */
	unsigned matched;         /* how much of the head's end has been seen */
	size_t gathered;          /* bytes in text, of a frame's head or its payload */
	size_t head;              /* bytes of the head so far */
	char text[TEXT_BYTES];
};

void answer_init(struct answer *answer, const struct answer_handler *handler, void *context);
/* After any state but ANSWER_GOES_ON the answer is over; text and gathered then hold its last words. */
enum answer_state answer_feed(struct answer *answer, const unsigned char *bytes, size_t count);

#endif
