#include "answer.h"

#include <string.h>

enum { FRAME_HEADER_BYTES = 5, STATUS_BYTES = 12 };

void answer_init(struct answer *answer, const struct answer_handler *handler, void *context)
{
	memset(answer, 0, sizeof *answer);
	answer->handler = handler;
	answer->context = context;
	answer->in_head = true;
}

static bool is_success(const char *status)
{
	return memcmp(status, "HTTP/1.", 7) == 0 && (status[7] == '0' || status[7] == '1') &&
	       memcmp(status + 8, " 200", 4) == 0;
}

/* Of the head only its first line counts. */
static enum answer_state take_head(struct answer *answer, const unsigned char **bytes, size_t *count)
{
	static const char end[] = "\r\n\r\n";
	while (*count > 0 && answer->in_head) {
		unsigned char byte = **bytes;
		if (answer->head < STATUS_BYTES) {
			answer->text[answer->head] = (char)byte;
		}
		answer->head++;
		(*bytes)++;
		(*count)--;
		if (answer->head == STATUS_BYTES && !is_success(answer->text)) {
			return ANSWER_MIRROR;
		}
		if (byte == (unsigned char)end[answer->matched]) {
			answer->matched++;
		} else {
			answer->matched = byte == '\r' ? 1 : 0;
		}
		if (answer->matched == 4) {
			if (answer->head < STATUS_BYTES) {
				return ANSWER_BROKEN;
			}
			answer->in_head = false;
		} else if (answer->head >= HEAD_BYTES) {
			return ANSWER_BROKEN;
		}
	}
	return ANSWER_GOES_ON;
}

/* Gathers until there are `wanted` bytes. */
static bool gather(struct answer *answer, size_t wanted, const unsigned char **bytes, size_t *count)
{
	size_t part = wanted - answer->gathered;
	if (part > *count) {
		part = *count;
	}
	memcpy(answer->text + answer->gathered, *bytes, part);
	answer->gathered += part;
	*bytes += part;
	*count -= part;
	return answer->gathered == wanted;
}

static bool is_text(unsigned char type)
{
	return type == FRAME_SIZE || (type >= FRAME_LINE && type <= FRAME_PROGRESS);
}

static enum answer_state take_frame_header(struct answer *answer)
{
	const unsigned char *header = (const unsigned char *)answer->text;
	answer->type = header[0];
	answer->left = (uint32_t)header[1] << 24 | (uint32_t)header[2] << 16 | (uint32_t)header[3] << 8 | header[4];
	answer->gathered = 0;
	answer->in_frame = true;
	if (answer->left > FRAME_BYTES || (is_text(answer->type) && answer->left > TEXT_BYTES)) {
		return ANSWER_BROKEN;
	}
	if (answer->type == FRAME_DATA && (!answer->has_size || answer->left > answer->size - answer->received)) {
		return ANSWER_BROKEN;
	}
	return ANSWER_GOES_ON;
}

static uint64_t number_in(const char *text)
{
	uint64_t number = 0;
	for (int i = 0; i < 8; i++) {
		number = number << 8 | (unsigned char)text[i];
	}
	return number;
}

static enum answer_state take_size(struct answer *answer)
{
	if (answer->gathered != 8 || answer->has_size) {
		return ANSWER_BROKEN;
	}
	answer->size = number_in(answer->text);
	answer->has_size = true;
	return answer->size <= MOST_FILE_BYTES ? ANSWER_GOES_ON : ANSWER_BROKEN;
}

static enum answer_state end_frame(struct answer *answer)
{
	answer->in_frame = false;
	switch (answer->type) {
	case FRAME_SIZE:
		return take_size(answer);
	case FRAME_PROGRESS:
		if (answer->gathered != 16) {
			return ANSWER_BROKEN;
		}
		answer->handler->progress(answer->context, number_in(answer->text), number_in(answer->text + 8));
		return ANSWER_GOES_ON;
	case FRAME_LINE:
		answer->handler->line(answer->context, answer->text, answer->gathered);
		return ANSWER_GOES_ON;
	case FRAME_REWIND:
		answer->received = 0;
		return answer->handler->rewind(answer->context) ? ANSWER_GOES_ON : ANSWER_BROKEN;
	case FRAME_AHEAD_WANTED:
		answer->handler->ahead_wanted(answer->context);
		return ANSWER_GOES_ON;
	case FRAME_DONE:
		return answer->has_size && answer->received == answer->size ? ANSWER_DONE : ANSWER_BROKEN;
	case FRAME_MIRROR:
		return ANSWER_MIRROR;
	case FRAME_MISMATCH:
		return ANSWER_MISMATCH;
	default:
		return ANSWER_GOES_ON;
	}
}

/* Data goes on as it comes, text is gathered, and what a later daemon might send is passed over. */
static enum answer_state take_payload(struct answer *answer, const unsigned char **bytes, size_t *count)
{
	size_t part = answer->left < *count ? answer->left : *count;
	if (is_text(answer->type)) {
		if (!gather(answer, answer->gathered + part, bytes, count)) {
			return ANSWER_BROKEN;
		}
	} else {
		if (answer->type == FRAME_DATA && part > 0 && !answer->handler->data(answer->context, *bytes, part)) {
			return ANSWER_BROKEN;
		}
		if (answer->type == FRAME_DATA) {
			answer->received += part;
		}
		*bytes += part;
		*count -= part;
	}
	answer->left -= (uint32_t)part;
	return ANSWER_GOES_ON;
}

enum answer_state answer_feed(struct answer *answer, const unsigned char *bytes, size_t count)
{
	enum answer_state state = ANSWER_GOES_ON;
	if (answer->in_head) {
		state = take_head(answer, &bytes, &count);
	}
	while (state == ANSWER_GOES_ON && count > 0) {
		if (!answer->in_frame) {
			if (!gather(answer, FRAME_HEADER_BYTES, &bytes, &count)) {
				return ANSWER_GOES_ON;
			}
			state = take_frame_header(answer);
		} else {
			state = take_payload(answer, &bytes, &count);
		}
		if (state == ANSWER_GOES_ON && answer->in_frame && answer->left == 0) {
			state = end_frame(answer);
			if (state == ANSWER_GOES_ON) {
				answer->gathered = 0;
			}
		}
	}
	return state;
}
