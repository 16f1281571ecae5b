#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAME_BYTES = 255, LINE_BYTES = 1024, ENDING_BYTES = 640 };

volatile sig_atomic_t child_pid;
/* For the signal handler too: empty while there is no such file. */
static char temporary[PATH_MAX];
static volatile sig_atomic_t is_there;

static bool ends_with(const char *text, size_t length, const char *ending)
{
	size_t size = strlen(ending);
	return length > size && memcmp(text + length - size, ending, size) == 0;
}

/* OUT without pacman's .part, our pid and .part (pacman and pacsrv's own catalogue both pass over *.part), cut so that
   the name is none that a file system refuses. */
static bool name_temporary(const char *out)
{
	char suffix[32];
	int suffix_length = snprintf(suffix, sizeof suffix, ".%ld.part", (long)getpid());
	const char *slash = strrchr(out, '/');
	size_t folder = slash ? (size_t)(slash - out) + 1 : 0;
	size_t name = strlen(out) - folder;
	if (ends_with(out, folder + name, ".part")) {
		name -= strlen(".part");
	}
	if (name > NAME_BYTES - (size_t)suffix_length) {
		name = NAME_BYTES - (size_t)suffix_length;
	}
	if (folder + name + (size_t)suffix_length >= sizeof temporary) {
		return false;
	}
	memcpy(temporary, out, folder + name);
	memcpy(temporary + folder + name, suffix, (size_t)suffix_length + 1);
	return true;
}

bool output_init(struct output *output, const char *out)
{
	struct stat found;
	char folder[PATH_MAX] = ".";
	const char *slash = strrchr(out, '/');
	const char *why = NULL;
	*output = (struct output){ .fd = -1, .out = out };
	if (strlen(out) >= sizeof folder || !name_temporary(out)) {
		why = "its name is too long";
	} else {
		if (slash) {
			memcpy(folder, out, (size_t)(slash - out) + 1);
			folder[slash - out + 1] = '\0';
		}
		if (stat(folder, &found) != 0 || !S_ISDIR(found.st_mode)) {
			why = "its folder is not there";
		} else if (stat(out, &found) == 0 && S_ISDIR(found.st_mode)) {
			why = "it is a folder";
		}
	}
	if (why) {
		dprintf(STDERR_FILENO, "pacsrv-xfer: can't write %s: %s\n", out, why);
	}
	return !why;
}

bool output_open(struct output *output)
{
	if (output->fd >= 0) {
		return true;
	}
	/* One of our name is a dead one's, whose pid came round again. */
	for (int tries = 0; tries < 2 && output->fd < 0; tries++) {
		is_there = 1;
		output->fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (output->fd >= 0 || errno != EEXIST) {
			break;
		}
		unlink(temporary);
	}
	return output->fd >= 0;
}

const char *output_lend(struct output *output)
{
	output_drop(output);
	is_there = 1;
	unlink(temporary);
	return temporary;
}

bool output_write(struct output *output, const unsigned char *bytes, size_t count)
{
	if (!output_open(output)) {
		return false;
	}
	while (count > 0) {
		ssize_t wrote = write(output->fd, bytes, count);
		if (wrote < 0) {
			if (errno == EINTR) {
				continue;
			}
			return false;
		}
		bytes += wrote;
		count -= (size_t)wrote;
		output->written += (uint64_t)wrote;
	}
	return true;
}

bool output_rewind(struct output *output)
{
	output->written = 0;
	return output->fd < 0 || (ftruncate(output->fd, 0) == 0 && lseek(output->fd, 0, SEEK_SET) == 0);
}

void output_drop(struct output *output)
{
	if (output->fd >= 0) {
		close(output->fd);
		output->fd = -1;
	}
	output->written = 0;
	if (is_there) {
		unlink(temporary);
		is_there = 0;
	}
}

void output_complain(const struct output *output, int error)
{
	const char *slash = strrchr(output->out, '/');
	int folder = slash ? (int)(slash - output->out) : 0;
	if (error == ENOSPC || error == EDQUOT) {
		dprintf(STDERR_FILENO, "pacsrv-xfer: %s: no space left on %.*s\n", slash ? slash + 1 : output->out,
			slash ? (folder > 0 ? folder : 1) : 1, slash ? output->out : ".");
	} else {
		dprintf(STDERR_FILENO, "pacsrv-xfer: can't write %s: %s\n", output->out, strerror(error));
	}
}

bool output_keep(struct output *output)
{
	/* Some file systems find out only now that there is no room. */
	int failed = output->fd >= 0 ? close(output->fd) : 0;
	output->fd = -1;
	if (failed != 0 || rename(temporary, output->out) != 0) {
		output_complain(output, errno);
		output_drop(output);
		return false;
	}
	is_there = 0;
	return true;
}

void say(int fd, const char *before, const char *text, size_t length, const char *ending)
{
	char line[LINE_BYTES + 2 * ENDING_BYTES];
	size_t at = strnlen(before, ENDING_BYTES);
	memcpy(line, before, at);
	for (size_t i = 0; i < length && i < LINE_BYTES; i++) {
		line[at++] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	}
	size_t end = strnlen(ending, ENDING_BYTES);
	memcpy(line + at, ending, end);
	ssize_t ignored = write(fd, line, at + end);
	(void)ignored;
}

unsigned terminal_columns(void)
{
	struct winsize size = { 0 };
	if (!isatty(STDOUT_FILENO)) {
		return 0;
	}
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void leave(int signal)
{
	/* The child first, or it might make the file again. */
	if (child_pid > 0) {
		kill(child_pid, SIGKILL);
		waitpid(child_pid, NULL, 0);
	}
	if (is_there) {
		unlink(temporary);
	}
	_exit(signal == SIGINT ? EXIT_INTERRUPTED : EXIT_TERMINATED);
}

static void pass_over(int signal)
{
	(void)signal;
}

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

void signals_catch(void)
{
	struct sigaction action = { .sa_handler = leave };
	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		struct sigaction before;
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
			sigaction(signals[i], &action, NULL);
		}
	}
	/* Not SIG_IGN, which would outlive an exec. */
	action.sa_handler = pass_over;
	sigaction(SIGPIPE, &action, NULL);
}

void signals_default(void)
{
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		struct sigaction now;
		if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler == leave) {
			signal(signals[i], SIG_DFL);
		}
	}
}
