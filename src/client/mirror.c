#include "front.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* curl with the options of pacsrv-mirrors.sh's get(). */
static int run_curl(const char *input, const char *to, int report)
{
	const char *agent = getenv("HTTP_USER_AGENT");
	const char *words[] = { "curl", "-sfLgR", "--connect-timeout", "10", "--speed-limit", "1", "--speed-time", "10",
		"-K", "-", "-o", to, "-w", "\\npacsrv %{http_code} %{size_download} %{time_total} %{time_connect} %{errormsg}",
		agent && agent[0] != '\0' ? "-A" : NULL, agent, NULL };
	return run(words, report, input);
}

bool mirror_try(const char *url, struct output *output, char *tried, size_t room)
{
	char input[INPUT_BYTES];
	char report[512];
	struct stat found;
	int ends[2];
	tried[0] = '\0';
	if (!quote(url, input) || pipe2(ends, O_CLOEXEC) != 0) {
		return false;
	}
	const char *to = output_lend(output);
	/* Its few bytes have room in the pipe. */
	int status = run_curl(input, to, ends[1]);
	close(ends[1]);
	ssize_t length = read(ends[0], report, sizeof report - 1);
	close(ends[0]);
	report[length > 0 ? length : 0] = '\0';
	if (status == 0 && stat(to, &found) == 0) {
		const char *name = strrchr(url, '/') + 1;
		char size[64];
		snprintf(size, sizeof size, ": %lld bytes from the mirror\n", (long long)found.st_size);
		say(STDOUT_FILENO, "", name, strlen(name), size);
		return true;
	}
	if (status != 0) {
		snprintf(tried, room, "%d%s", status, report);
	}
	return false;
}
