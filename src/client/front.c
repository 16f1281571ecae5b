#include "front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool ends_with(const char *text, const char *ending)
{
	size_t length = strlen(text);
	size_t size = strlen(ending);
	return length >= size && strcmp(text + length - size, ending) == 0;
}

/* The script's word for one try of a mirror. */
static const char MIRROR_WORD[] = "--mirror";

enum kind { LOCAL, DATABASE, SIGNATURE, PACKAGE };

/* Only packages and their signatures ever come from the daemon. */
static enum kind kind_of(const char *url)
{
	static const char *const databases[] = { ".db", ".db.sig", ".files", ".files.sig" };
	if (strncmp(url, "file://", 7) == 0) {
		return LOCAL;
	}
	for (size_t i = 0; i < sizeof databases / sizeof *databases; i++) {
		if (ends_with(url, databases[i])) {
			return DATABASE;
		}
	}
	return ends_with(url, ".sig") ? SIGNATURE : PACKAGE;
}

static _Noreturn void keep(struct output *output)
{
	exit(output_keep(output) ? EXIT_SUCCESS : EXIT_FAULT);
}

/* What the mirrors' script is to make of the daemon (its head says what the words mean). */
static const char *fetch(const struct conf *conf, const char *url, enum kind kind, struct output *output)
{
	unsigned columns = terminal_columns();
	struct request request = {
		.socket = conf->socket,
		.url = url,
		.columns = columns,
		.quiet = kind == SIGNATURE && columns > 0, /* pacman shows none of them */
		.ahead_wanted = read_ahead,
	};
	enum outcome outcome = ask_daemon(&request, output);
	if (outcome == NOBODY && kind == PACKAGE && start_daemon(conf)) {
		outcome = ask_daemon(&request, output);
	}
	switch (outcome) {
	case GOT:
		keep(output);
	case MISMATCH:
		exit(EXIT_FAULT);
	case NO_ROOM:
		output_complain(output, errno);
		exit(EXIT_FAULT);
	case SILENT:
		tell_once("the daemon doesn't answer");
		return kind == PACKAGE ? "busy" : "none";
	case NOBODY:
		tell_once("no daemon runs");
		return "none";
	default:
		return "live";
	}
}

int main(int count, char **words)
{
	static struct conf conf;
	const char *file = "/etc/pacsrv.conf";
	struct output output;

	setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 0);
	words++;
	count--;
	if (count == 6 && strcmp(words[0], MIRROR_WORD) == 0 && strstr(words[1], "://")) {
		signals_catch();
		return mirror_command(words + 1);
	}
	if (count >= 2 && strcmp(words[0], "--config") == 0) {
		file = words[1];
		words += 2;
		count -= 2;
	} else if (count >= 1 && strncmp(words[0], "--config=", 9) == 0) {
		file = words[0] + 9;
		words++;
		count--;
	}
	if (count == 1 && strcmp(words[0], "announce") == 0) {
		conf_read(&conf, file);
		return announce(&conf);
	}
	if (count != 2 || !strstr(words[0], "://")) {
		conf.file = file;
		run_program(&conf, words);
	}

	const char *url = words[0];
	const char *out = words[1];
	const char *daemon = "none";
	if (!output_init(&output, out)) {
		return EXIT_FAULT;
	}
	signals_catch();
	conf_read(&conf, file);
	enum kind kind = kind_of(url);
	if (conf.server[0] != '\0') {
		if (kind >= SIGNATURE && fetch_remote(&conf, url, &output)) {
			const char *name = strrchr(url, '/') + 1;
			char from[sizeof conf.server + 16];
			snprintf(from, sizeof from, ": from %s\n", conf.server);
			say(STDOUT_FILENO, "", name, strlen(name), from);
			keep(&output);
		}
	} else if (kind >= SIGNATURE) {
		daemon = fetch(&conf, url, kind, &output);
	} else if (kind == DATABASE) {
		enum life life = daemon_life(conf.socket);
		daemon = life == LIFE_FRESH || life == LIFE_UNKNOWN ? "live" : "none";
	}
	char tried[REPORT_BYTES] = "";
	/* What needs no asking is done here: each program that the script starts costs as much as we do. */
	if (kind >= SIGNATURE && strcmp(daemon, "live") != 0 &&
		mirror_try(url, terminal_columns(), &output, tried)) {
		keep(&output);
	}
	output_drop(&output);
	run_mirrors(url, out, daemon, conf.socket, tried);
}
