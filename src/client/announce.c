#include "answer.h"
#include "front.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* pacman waits for the hook: the patience with a daemon that lives, and with one of which that isn't known. */
enum { FRESH_WAIT_MS = 200, UNKNOWN_WAIT_MS = 100 };

static bool no_data(void *context, const unsigned char *bytes, size_t count)
{
	(void)context;
	(void)bytes;
	(void)count;
	return false;
}

static bool no_rewind(void *context)
{
	(void)context;
	return false;
}

static void on_line(void *context, const char *text, size_t length)
{
	bool *is_said = context;
	if (!*is_said && length > 0) {
		say(STDOUT_FILENO, "", text, length, "\n");
		*is_said = true;
	}
}

static void on_ahead_wanted(void *context)
{
	(void)context;
}

static void on_progress(void *context, uint64_t done, uint64_t elapsed_ms)
{
	(void)context;
	(void)done;
	(void)elapsed_ms;
}

static const struct answer_handler HANDLER = { no_data, no_rewind, on_line, on_ahead_wanted, on_progress };

static bool tell(int fd)
{
	char head[128];
	char body[128] = "";
	char transaction[64];
	int length = 0;
	transaction_of(parent_pid(), transaction, sizeof transaction);
	if (transaction[0] != '\0') {
		length = snprintf(body, sizeof body, "transaction=%s%cage=%lld%c", transaction, '\0',
			(long long)transaction_age_ms(transaction), '\0');
	}
	int head_length = snprintf(head, sizeof head,
		"POST /v1/announce HTTP/1.0\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", length);
	struct iovec parts[] = { { head, (size_t)head_length }, { body, (size_t)length } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)(head_length + length);
}

static void hear(int fd, int64_t until)
{
	static unsigned char buffer[TEXT_BYTES];
	static struct answer answer;
	enum answer_state state = ANSWER_GOES_ON;
	bool is_said = false;
	answer_init(&answer, &HANDLER, &is_said);
	while (state == ANSWER_GOES_ON && !is_said) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		int64_t left = until - now_ms();
		if (left <= 0 || poll(&readable, 1, (int)left) <= 0) {
			return;
		}
		ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
		if (got <= 0) {
			return;
		}
		state = answer_feed(&answer, buffer, (size_t)got);
	}
}

int announce(const struct conf *conf)
{
	int64_t since = now_ms();
	int fd = socket_connect(conf->socket);
	if (fd < 0) {
		return 0;
	}
	enum life life = daemon_life(conf->socket);
	if (tell(fd) && life != LIFE_STALE) {
		hear(fd, since + (life == LIFE_FRESH ? FRESH_WAIT_MS : UNKNOWN_WAIT_MS));
	}
	close(fd);
	return 0;
}
