#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* curl's word for an answer that is no file: it has none for us. */
enum { MOST_WORDS = 256, EXIT_NO_PROGRAM = 127, CURL_HTTP_ERROR = 22 };

/* What belongs to the program lies beside it (a build) or in /usr/lib (the package). */
static const char *find_library(void)
{
	static char library[PATH_MAX];
	char beside[PATH_MAX + 16];
	const char *executed = (const char *)getauxval(AT_EXECFN); /* as the kernel was told */
	if (executed && realpath(executed, library)) {
		*strrchr(library, '/') = '\0';
		snprintf(beside, sizeof beside, "%s/main.cjs", library);
		if (access(beside, F_OK) == 0) {
			return library;
		}
	}
	return "/usr/lib/pacsrv";
}

const char *in_library(const char *name)
{
	static char path[PATH_MAX + 32];
	static const char *library;
	library = library ? library : find_library();
	snprintf(path, sizeof path, "%s/%s", library, name);
	return path;
}

/* The Node that the package carries, or else the system's. Whatever runs by Node is started here, by this. */
const char *node_program(void)
{
	static char own[PATH_MAX + 32];
	memcpy(own, in_library("node"), sizeof own);
	return access(own, X_OK) == 0 ? own : "node";
}

static _Noreturn void execute(const char **words)
{
	execvp(words[0], (char *const *)words);
	dprintf(STDERR_FILENO, "pacsrv-xfer: can't run %s: %s\n", words[0], strerror(errno));
	_exit(EXIT_NO_PROGRAM);
}

bool run_begin(const char **words, int out, const char *input)
{
	sigset_t all;
	sigset_t before;
	int ends[2] = { -1, -1 };
	if (input) {
		/* All of it has room in the pipe. */
		if (pipe2(ends, O_CLOEXEC) != 0 || write(ends[1], input, strlen(input)) != (ssize_t)strlen(input)) {
			return false;
		}
		close(ends[1]);
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before); /* so that the handler knows of every child */
	pid_t pid = fork();
	if (pid == 0) {
		if (out >= 0) {
			dup2(out, STDOUT_FILENO);
		}
		if (input) {
			dup2(ends[0], STDIN_FILENO);
		}
		signals_default();
		sigprocmask(SIG_SETMASK, &before, NULL);
		execute(words);
	}
	if (input) {
		close(ends[0]);
	}
	child_pid = pid > 0 ? (sig_atomic_t)pid : 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid > 0;
}

int run_end(void)
{
	int status = 0;
	while (waitpid(child_pid, &status, 0) < 0 && errno == EINTR) {
	}
	child_pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(const char **words, int out)
{
	return run_begin(words, out, NULL) ? run_end() : EXIT_NO_PROGRAM;
}

/* The daemon gets nothing of root's environment but what it is for. */
static void clean_environment(void)
{
	static const char *const kept[] = { "PATH=", "TERM=", "TZ=", "LANG=", "LC_", "LISTEN_", "NOTIFY_SOCKET=", "NODE_",
		"STATE_DIRECTORY=", "CACHE_DIRECTORY=", "RUNTIME_DIRECTORY=", "JOURNAL_STREAM=", "PACSRV_" };
	char **to = environ;
	for (char **from = environ; *from; from++) {
		bool keeps = false;
		for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
			keeps = keeps || strncmp(*from, kept[i], strlen(kept[i])) == 0;
		}
		if (keeps) {
			*to++ = *from;
		}
	}
	*to = NULL;
}

/* Two numbers, as `user-of` prints them; false where it failed, which it has said. */
static bool ids_of(const char *config, const char *main, const char *command, char user[16], char group[16])
{
	const char *words[] = { node_program(), main, "--config", config, "user-of", command, NULL };
	char text[64];
	size_t length = 0;
	ssize_t got;
	int ends[2];
	unsigned uid;
	unsigned gid;
	if (pipe2(ends, O_CLOEXEC) != 0) {
		return false;
	}
	/* Its few bytes have room in the pipe. */
	int status = run(words, ends[1]);
	close(ends[1]);
	while (length < sizeof text - 1 && (got = read(ends[0], text + length, sizeof text - 1 - length)) > 0) {
		length += (size_t)got;
	}
	close(ends[0]);
	text[length] = '\0';
	if (status != 0 || sscanf(text, "%u %u", &uid, &gid) != 2) {
		return false;
	}
	snprintf(user, 16, "%u", uid);
	snprintf(group, 16, "%u", gid);
	return true;
}

/* Everything but URL OUT is Node's. */
_Noreturn void run_program(const struct conf *conf, char **words)
{
	const char *all[MOST_WORDS];
	char user[16];
	char group[16];
	char main[PATH_MAX + 32];
	size_t at = 0;
	bool faces_network = words[0] && (strcmp(words[0], "daemon") == 0 || strcmp(words[0], "webhost") == 0);
	memcpy(main, in_library("main.cjs"), sizeof main);
	/* Never as root. Node's own setuid is not to be relied on (see daemon/privileges.ts). */
	if (faces_network && real_uid() == 0) {
		if (!ids_of(conf->file, main, words[0], user, group)) {
			_exit(EXIT_FAULT);
		}
		clean_environment();
		const char *lowered[] = { "setpriv", "--reuid", user, "--regid", group, "--init-groups", "--no-new-privs" };
		memcpy(all, lowered, sizeof lowered);
		at = sizeof lowered / sizeof *lowered;
	} else if (faces_network) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	}
	/* Node's compiler threads would each leave a heap of their own behind: 5 MB of a daemon's 75. */
	setenv("MALLOC_ARENA_MAX", "1", 0);
	const char *own[] = { node_program(), main, "--config", conf->file };
	memcpy(all + at, own, sizeof own);
	at += sizeof own / sizeof *own;
	while (*words && at < MOST_WORDS - 1) {
		all[at++] = *words++;
	}
	all[at] = NULL;
	execute(all);
}

_Noreturn void run_mirrors(const char *url, const char *out, const char *daemon, const char *socket, const char *tried)
{
	char script[PATH_MAX + 32];
	memcpy(script, in_library("pacsrv-mirrors"), sizeof script);
	const char *front = (const char *)getauxval(AT_EXECFN);
	const char *words[] = { "sh", script, url, out, daemon, socket, tried, front ? front : "pacsrv-xfer", NULL };
	execute(words);
}

/* [client] server = HOST:PORT: another machine's daemon, as a CacheServer. */
bool fetch_remote(const struct conf *conf, const char *url, struct output *output)
{
	char from[8192];
	const char *path = strchr(strstr(url, "://") + 3, '/');
	int length = snprintf(from, sizeof from, "http://%s%s", conf->server, path ? path : "/");
	if (length < 0 || (size_t)length >= sizeof from || !output_open(output)) {
		return false;
	}
	const char *words[] = { "curl", "-q", "-sfg", "--noproxy", "*", "--connect-timeout", "1", "--speed-limit", "1",
		"--speed-time", "10", "--url", from, NULL };
	int status = run(words, output->fd);
	if (status == 0) {
		return true;
	}
	output_drop(output);
	if (status != CURL_HTTP_ERROR) {
		tell_once("the machine of [client] server doesn't answer");
	}
	return false;
}

/* Asking pacman takes its time, and nobody waits for it: neither we nor pacman. It stays in pacman's process group, so that
   Ctrl-C ends it too. */
void read_ahead(const struct request *request)
{
	char script[PATH_MAX + 32];
	char parent[24];
	memcpy(script, in_library("ahead.cjs"), sizeof script);
	snprintf(parent, sizeof parent, "%ld", (long)parent_pid());
	if (fork() != 0) {
		return;
	}
	signals_default();
	int nothing = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++) {
		dup2(nothing, fd);
	}
	const char *words[] = { node_program(), script, request->socket, parent, NULL };
	execute(words);
}
