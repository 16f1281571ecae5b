#include "answer.h"
#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADS_BYTES = 32 * 1024, DRAW_MS = 200, EXIT_NO_CURL = 2 };

/* A word of curl's configuration, which has the URL: in a command line a password in it could be seen. */
static bool quote(const char *url, char text[INPUT_BYTES])
{
	size_t at = (size_t)snprintf(text, INPUT_BYTES, "url = \"");
	for (; *url; url++) {
		if (at > INPUT_BYTES - 8 || *url == '\n' || *url == '\r') {
			return false;
		}
		if (*url == '"' || *url == '\\') {
			text[at++] = '\\';
		}
		text[at++] = *url;
	}
	memcpy(text + at, "\"\n", 3);
	return true;
}

/* As pacman's own downloader: its time-outs, its user agent, the server's time kept. */
static bool begin_curl(const struct mirror_call *call, const char *input, int heads)
{
	const char *agent = getenv("HTTP_USER_AGENT");
	const char *words[24] = { "curl", "-sfLgR", "--connect-timeout", "10", "--speed-limit", "1", "--speed-time",
		call->patience, "-K", "-", "-o", call->to, "-D", "-", "-w",
		"\\npacsrv %{http_code} %{size_download} %{time_total} %{time_connect} %{errormsg}" };
	size_t count = 16;
	if (agent && agent[0] != '\0') {
		words[count++] = "-A";
		words[count++] = agent;
	}
	if (call->present) {
		words[count++] = "-z";
		words[count++] = call->present;
	}
	return run_begin(words, heads, input);
}

/* The last of them in the heads: those before it are redirects'. 0: not known. */
static uint64_t length_in(const char *heads)
{
	static const char key[] = "\ncontent-length:";
	uint64_t length = 0;
	while ((heads = strcasestr(heads, key)) != NULL) {
		heads += sizeof key - 1;
		length = strtoull(heads, NULL, 10);
	}
	return length < MOST_FILE_BYTES ? length : 0;
}

struct watched {
	struct progress progress;
	const char *file;
	unsigned columns; /* 0: nothing is drawn */
};

/* Reads curl's heads and report until it ends, the last that fits; draws meanwhile. */
static void read_heads(int fd, char heads[HEADS_BYTES], struct watched *watched)
{
	size_t length = 0;
	int64_t begun = now_ms();
	int64_t drawn = begun;
	heads[0] = '\0';
	for (;;) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		struct stat found;
		if (poll(&readable, 1, watched->columns > 0 ? DRAW_MS : -1) != 0) {
			if (length == HEADS_BYTES - 1) {
				memmove(heads, heads + HEADS_BYTES / 2, HEADS_BYTES / 2);
				length = HEADS_BYTES / 2 - 1;
			}
			ssize_t got = read(fd, heads + length, HEADS_BYTES - 1 - length);
			if (got == 0 || (got < 0 && errno != EINTR)) {
				break;
			}
			length += got > 0 ? (size_t)got : 0;
			heads[length] = '\0';
		}
		watched->progress.elapsed_ms = now_ms() - begun;
		watched->progress.size = length_in(heads);
		if (watched->columns > 0 && now_ms() - drawn >= DRAW_MS && watched->progress.size > 0 &&
			stat(watched->file, &found) == 0) {
			drawn = now_ms();
			watched->progress.done = (uint64_t)found.st_size;
			progress_draw(&watched->progress, watched->columns, "\r");
		}
	}
	watched->progress.elapsed_ms = now_ms() - begun;
}

static void say_got(struct watched *watched, uint64_t size)
{
	const char *name = watched->progress.name;
	char amount[32];
	char text[64];
	watched->progress.done = size;
	watched->progress.size = size;
	if (watched->columns == 0) {
		size_text(amount, sizeof amount, size);
		snprintf(text, sizeof text, ": %s from the mirror\n", amount);
		say(STDOUT_FILENO, "", name, strlen(name), text);
	} else {
		progress_draw(&watched->progress, watched->columns, "\n");
	}
}

int mirror_get(const struct mirror_call *call, char report[REPORT_BYTES])
{
	static char heads[HEADS_BYTES];
	char input[INPUT_BYTES];
	struct stat found;
	struct watched watched = {
		.progress.name = strrchr(call->url, '/') + 1,
		.file = call->to,
		.columns = call->columns,
	};
	size_t length = strlen(call->url);
	/* pacman shows none of them. */
	bool is_quiet = call->columns > 0 && length > 4 && strcmp(call->url + length - 4, ".sig") == 0;
	int ends[2];
	report[0] = '\0';
	if (!quote(call->url, input) || pipe2(ends, O_CLOEXEC) != 0) {
		return EXIT_NO_CURL;
	}
	if (is_quiet) {
		watched.columns = 0;
	}
	bool has_begun = begin_curl(call, input, ends[1]);
	close(ends[1]);
	if (!has_begun) {
		close(ends[0]);
		return EXIT_NO_CURL;
	}
	read_heads(ends[0], heads, &watched);
	close(ends[0]);
	int status = run_end();
	if (status == 0 && !is_quiet && stat(call->to, &found) == 0) {
		say_got(&watched, (uint64_t)found.st_size);
	}
	/* The last: a server's own line may look like it. */
	for (const char *at = heads; (at = strstr(at, "\npacsrv ")) != NULL; at++) {
		snprintf(report, REPORT_BYTES, "%s", at + 1);
	}
	return status;
}

bool mirror_try(const char *url, unsigned columns, struct output *output, char tried[REPORT_BYTES])
{
	char report[REPORT_BYTES];
	const struct mirror_call call = { .url = url, .to = output_lend(output), .patience = "10", .columns = columns };
	int status = mirror_get(&call, report);
	tried[0] = '\0';
	if (status == 0) {
		return access(call.to, F_OK) == 0;
	}
	if (report[0] != '\0') {
		snprintf(tried, REPORT_BYTES, "%d\n%.600s", status, report);
	}
	return false;
}

int mirror_command(char **words)
{
	char report[REPORT_BYTES];
	const struct mirror_call call = {
		.url = words[0],
		.to = words[1],
		.present = words[4][0] != '\0' ? words[4] : NULL,
		.patience = words[3],
		.columns = terminal_columns(),
	};
	int status = mirror_get(&call, report);
	int fd = open(words[2], O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0) {
		dprintf(fd, "%s\n", report);
		close(fd);
	}
	return status;
}
