#include "front.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Far more than any configuration has; the rest of a longer one is passed over. */
enum { CONF_BYTES = 256 * 1024 };
static const char SYSTEM_SOCKET[] = "/run/pacsrv/pacsrv.sock";

uid_t real_uid(void)
{
	return (uid_t)syscall(SYS_geteuid);
}

struct slice {
	const char *at;
	size_t length;
};

static bool is_blank(char letter)
{
	return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

static struct slice trim(struct slice text)
{
	while (text.length > 0 && is_blank(text.at[0])) {
		text.at++;
		text.length--;
	}
	while (text.length > 0 && is_blank(text.at[text.length - 1])) {
		text.length--;
	}
	return text;
}

static bool is(struct slice text, const char *word)
{
	return text.length == strlen(word) && memcmp(text.at, word, text.length) == 0;
}

/* What is too long for its place can't be meant: it counts as not said. */
static void copy(char *to, size_t room, struct slice value)
{
	if (value.length >= room || memchr(value.at, '\0', value.length)) {
		value.length = 0;
	}
	memcpy(to, value.at, value.length);
	to[value.length] = '\0';
}

static void take(struct conf *conf, struct slice section, struct slice key, struct slice value)
{
	if (is(section, "server")) {
		if (is(key, "socket")) {
			copy(conf->socket, sizeof conf->socket, value);
		}
	} else if (is(section, "client")) {
		if (is(key, "server")) {
			copy(conf->server, sizeof conf->server, value);
		} else if (is(key, "start")) {
			conf->may_start = !is(value, "no");
		}
	} else if (is(section, "daemon")) {
		if (is(key, "user")) {
			copy(conf->user, sizeof conf->user, value);
		} else if (is(key, "state-dir")) {
			conf->own_state = true;
		}
	}
}

/* As base/config-file.ts reads it; what is wrong in it is the daemon's and `check`'s to say. */
void conf_parse(struct conf *conf, const char *text, size_t length)
{
	struct slice section = { "", 0 };
	const char *end = text + length;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline ? newline : end;
		struct slice line = trim((struct slice){ text, (size_t)(line_end - text) });
		text = newline ? newline + 1 : end;
		if (line.length == 0 || line.at[0] == '#') {
			continue;
		}
		if (line.length > 1 && line.at[0] == '[' && line.at[line.length - 1] == ']') {
			section = (struct slice){ line.at + 1, line.length - 2 };
			continue;
		}
		const char *equals = memchr(line.at, '=', line.length);
		size_t before = equals ? (size_t)(equals - line.at) : line.length;
		struct slice key = trim((struct slice){ line.at, before });
		struct slice value = { line.at, 0 };
		if (equals) {
			value = trim((struct slice){ equals + 1, line.length - before - 1 });
		}
		take(conf, section, key, value);
	}
}

/* The file's bytes, at most CONF_BYTES; -1 where it can't be read. */
static ssize_t read_all(const char *file, char *text)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		return -1;
	}
	size_t length = 0;
	ssize_t got;
	while (length < CONF_BYTES && (got = read(fd, text + length, CONF_BYTES - length)) > 0) {
		length += (size_t)got;
	}
	close(fd);
	return (ssize_t)length;
}

static bool is_socket(const char *path)
{
	struct stat found;
	return stat(path, &found) == 0 && S_ISSOCK(found.st_mode);
}

void conf_read(struct conf *conf, const char *file)
{
	static char text[CONF_BYTES];
	memset(conf, 0, sizeof *conf);
	conf->file = file;
	conf->may_start = true;
	strcpy(conf->user, "pacsrv");
	ssize_t length = read_all(file, text);
	const char *run = getenv("XDG_RUNTIME_DIR");
	if (length >= 0) {
		conf_parse(conf, text, (size_t)length);
	} else if (real_uid() != 0 && !is_socket(SYSTEM_SOCKET) && run && run[0] == '/') {
		/* Root follows no user's environment. */
		conf->own_state = true;
		int needed = snprintf(conf->socket, sizeof conf->socket, "%s/pacsrv/pacsrv.sock", run);
		if (needed < 0 || (size_t)needed >= sizeof conf->socket) {
			conf->socket[0] = '\0';
		}
	}
	if (conf->server[0] == '/') {
		strcpy(conf->socket, conf->server); /* the smaller of the two */
		conf->server[0] = '\0';
	}
	if (conf->socket[0] == '\0') {
		strcpy(conf->socket, SYSTEM_SOCKET);
	}
}
