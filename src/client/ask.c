#include "answer.h"
#include "front.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	/* The patience with one whose loop turns, and that still says nothing. */
	FRESH_MS = 10 * 1000,
	/* The patience with one of an older version, which has no stamp: for the first byte, and between later ones. */
	FIRST_BYTE_MS = 500,
	SILENCE_MS = 2000,
	/* Signs of life are not enough: the longest without a byte of the file. */
	NO_DATA_MS = 300 * 1000,
	/* 24 days: nothing takes longer. */
	MOST_ELAPSED_MS = INT32_MAX,
	LOOK_MS = 100,
	CONNECT_AGAIN_MS = 20,
	READ_BYTES = 256 * 1024,
	BODY_BYTES = 64 * 1024, /* what the daemon takes (http/fetch-answer.ts) */
};

/* As http/fetch-stream.ts has them. */
static const char *const CURL_ENVIRONMENT[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "ftp_proxy", "FTP_PROXY",
	"all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "HTTP_USER_AGENT" };

struct body {
	size_t length;
	char bytes[BODY_BYTES];
};

/* `name=value` and a NUL; what is too long is left out. */
static bool add(struct body *body, const char *name, const char *value)
{
	size_t room = sizeof body->bytes - body->length;
	int length = snprintf(body->bytes + body->length, room, "%s=%s", name, value);
	if (length < 0 || (size_t)length >= room) {
		return false;
	}
	body->length += (size_t)length + 1;
	return true;
}

static bool write_request(const struct request *request, int fd)
{
	static struct body body;
	char head[256];
	char number[24];
	char transaction[64];
	body.length = 0;
	if (!add(&body, "url", request->url)) {
		return false;
	}
	snprintf(number, sizeof number, "%u", request->columns);
	add(&body, "columns", number);
	transaction_of(parent_pid(), transaction, sizeof transaction);
	if (transaction[0] != '\0') {
		add(&body, "transaction", transaction);
	}
	for (size_t i = 0; i < sizeof CURL_ENVIRONMENT / sizeof *CURL_ENVIRONMENT; i++) {
		const char *value = getenv(CURL_ENVIRONMENT[i]);
		if (value && value[0] != '\0') {
			add(&body, CURL_ENVIRONMENT[i], value);
		}
	}
	int length = snprintf(head, sizeof head,
		"POST /v1/file HTTP/1.0\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", body.length);
	struct iovec parts[] = { { head, (size_t)length }, { body.bytes, body.length } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	/* All of it has room in the socket, or nobody has read for long. */
	return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)((size_t)length + body.length);
}

int socket_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
		return fd;
	}
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* A socket, or -1 with `outcome` set. */
static int reach(const char *path, enum outcome *outcome)
{
	int64_t since = now_ms();
	int fd;
	*outcome = MIRROR;
	while ((fd = socket_connect(path)) < 0) {
		int error = errno;
		enum life life = daemon_life(path);
		int64_t patience = life == LIFE_FRESH ? FRESH_MS : FIRST_BYTE_MS;
		if (error == ENOENT || error == ECONNREFUSED) {
			*outcome = NOBODY;
		} else if (error == EAGAIN || error == EINTR) {
			*outcome = SILENT; /* its queue is full */
			if (life != LIFE_STALE && now_ms() - since < patience) {
				poll(NULL, 0, CONNECT_AGAIN_MS);
				continue;
			}
		}
		return -1;
	}
	return fd;
}

struct call {
	const struct request *request;
	struct output *output;
	const struct answer *answer;
	int64_t elapsed_ms; /* as the daemon said last; -1: it has not */
	int error; /* of writing the file */
};

static bool on_data(void *context, const unsigned char *bytes, size_t count)
{
	struct call *call = context;
	if (output_write(call->output, bytes, count)) {
		return true;
	}
	call->error = errno;
	return false;
}

static bool on_rewind(void *context)
{
	struct call *call = context;
	return output_rewind(call->output);
}

static bool shows(const struct request *request)
{
	return request->columns > 0 && !request->quiet;
}

static void on_line(void *context, const char *text, size_t length)
{
	const struct request *request = ((struct call *)context)->request;
	if (shows(request) && length > 0) {
		say(STDOUT_FILENO, "", text, length < request->columns ? length : request->columns, "\r");
	}
}

static void draw(const struct call *call, uint64_t done, const char *ending)
{
	const struct progress progress = {
		.name = strrchr(call->request->url, '/') + 1,
		.done = done,
		.size = call->answer->size,
		.elapsed_ms = call->elapsed_ms,
	};
	progress_draw(&progress, call->request->columns, ending);
}

static void on_progress(void *context, uint64_t done, uint64_t elapsed_ms)
{
	struct call *call = context;
	call->elapsed_ms = elapsed_ms < MOST_ELAPSED_MS ? (int64_t)elapsed_ms : MOST_ELAPSED_MS;
	/* All of it is drawn when it has been checked. */
	if (shows(call->request) && done < call->answer->size) {
		draw(call, done, "\r");
	}
}

static void on_ahead_wanted(void *context)
{
	const struct request *request = ((struct call *)context)->request;
	request->ahead_wanted(request);
}

static const struct answer_handler HANDLER = { on_data, on_rewind, on_line, on_ahead_wanted, on_progress };

/* Waits for bytes; false when the daemon is to be left. `waited` since the last of them. */
static bool is_worth_waiting(const char *socket, int64_t waited, bool has_begun)
{
	switch (daemon_life(socket)) {
	case LIFE_FRESH:
		return waited < FRESH_MS;
	case LIFE_STALE:
		return false;
	default:
		return waited < (has_begun ? SILENCE_MS : FIRST_BYTE_MS);
	}
}

static enum outcome finish(const struct answer *answer, enum answer_state state, struct call *call)
{
	const struct request *request = call->request;
	size_t length = answer->gathered;
	if (call->error != 0) {
		errno = call->error;
		return NO_ROOM;
	}
	if (state == ANSWER_MISMATCH) {
		say(STDERR_FILENO, "pacsrv-xfer: ", answer->text, length, "\n");
		return MISMATCH;
	}
	if (state != ANSWER_DONE) {
		return MIRROR;
	}
	if (!output_open(call->output)) {
		return NO_ROOM;
	}
	if (shows(request) && call->elapsed_ms >= 0) {
		draw(call, answer->size, "\n");
	} else if (!request->quiet && length > 0) {
		say(STDOUT_FILENO, "", answer->text,
			request->columns > 0 && length > request->columns ? request->columns : length, "\n");
	}
	return GOT;
}

static enum outcome read_answer(int fd, struct call *call)
{
	static unsigned char buffer[READ_BYTES];
	static struct answer answer;
	enum answer_state state = ANSWER_GOES_ON;
	int64_t heard = now_ms();
	int64_t grew = heard;
	bool has_begun = false;
	answer_init(&answer, &HANDLER, call);
	call->answer = &answer;
	while (state == ANSWER_GOES_ON) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
		if (got == 0) {
			return MIRROR;
		}
		if (got > 0) {
			uint64_t before = answer.received;
			heard = now_ms();
			has_begun = true;
			state = answer_feed(&answer, buffer, (size_t)got);
			if (answer.received > before) {
				grew = heard;
			}
			continue;
		}
		if (errno != EAGAIN && errno != EINTR) {
			return MIRROR;
		}
		if (poll(&readable, 1, LOOK_MS) == 0 && !is_worth_waiting(call->request->socket, now_ms() - heard, has_begun)) {
			return SILENT;
		}
		if (now_ms() - grew > NO_DATA_MS) {
			return SILENT;
		}
	}
	return finish(&answer, state, call);
}

enum outcome ask_daemon(const struct request *request, struct output *output)
{
	struct call call = { .request = request, .output = output, .elapsed_ms = -1 };
	enum outcome outcome;
	int fd = reach(request->socket, &outcome);
	if (fd < 0) {
		return outcome;
	}
	/* Only now: reaching it may have woken it (socket activation). */
	if (daemon_life(request->socket) == LIFE_STALE) {
		outcome = SILENT;
	} else {
		outcome = write_request(request, fd) ? read_answer(fd, &call) : MIRROR;
	}
	int error = errno;
	close(fd);
	if (outcome != GOT) {
		output_drop(output);
	}
	errno = error;
	return outcome;
}
