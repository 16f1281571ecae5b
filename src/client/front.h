/*
 * pacsrv-xfer, pacman's XferCommand: what pacman starts once for each file, and no more. It runs as root and reads
 * from a daemon that faces the network, so nothing of what the daemon says is a path, a format or a command.
 */
#ifndef PACSRV_FRONT_H
#define PACSRV_FRONT_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Exit codes: a fault of ours or the wrong bytes, and what a shell makes of signals. */
enum { EXIT_FAULT = 1, EXIT_INTERRUPTED = 130, EXIT_TERMINATED = 143 };

/* The few keys of pacsrv.conf that are needed before Node runs (conf.c). */
struct conf {
	const char *file;
	char socket[PATH_MAX];
	char server[512]; /* HOST:PORT of another machine's daemon, or empty */
	char user[64];
	bool may_start;  /* [client] start */
	bool own_state;  /* the state folder is this user's own */
};

/* The user that this process really is: fakeroot feigns by libc's functions, not by the kernel. */
uid_t real_uid(void);
void conf_read(struct conf *conf, const char *file);
/* What parses the text of such a file, bounded by its length; for conf_read and tests. */
void conf_parse(struct conf *conf, const char *text, size_t length);

/* What a daemon's answer came to. */
enum outcome {
	GOT,      /* the file is whole */
	MISMATCH, /* the mirrors' bytes are not what the sync database promises */
	MIRROR,   /* the daemon has it not, or broke off: ask the mirrors */
	SILENT,   /* it is there and says nothing: hung, or too busy */
	NOBODY,   /* nobody listens */
	NO_ROOM,  /* OUT's folder can't take it; errno says why */
};

/* The file beside OUT that becomes OUT (output.c). */
struct output {
	int fd; /* -1: none yet */
	uint64_t written;
	const char *out;
};
/* False, with a line said: OUT can't be written. */
bool output_init(struct output *output, const char *out);
bool output_open(struct output *output);
bool output_write(struct output *output, const unsigned char *bytes, size_t count);
bool output_rewind(struct output *output);
/* The file's path, for another program to write it; it is ours to remove from now on. */
const char *output_lend(struct output *output);
void output_drop(struct output *output);
/* Puts it in OUT's place; false, with a line said, where that fails. */
bool output_keep(struct output *output);
void output_complain(const struct output *output, int error);
/* Text from outside, as text: what is no printable ASCII becomes '?'. `ending` is ours. */
void say(int fd, const char *before, const char *text, size_t length, const char *ending);
/* How wide the terminal is, 0 without one. */
unsigned terminal_columns(void);

/* pacman's progress bar (progress.c): one state of it, at most `columns` wide, into COLUMNS_MOST bytes. */
enum { COLUMNS_MOST = 1000 };
struct progress {
	const char *name;
	uint64_t done, size; /* bytes */
	int64_t elapsed_ms;
};
void progress_line(char *to, const struct progress *progress, unsigned columns);
/* Bytes for a sentence: 1.2 MiB. */
void size_text(char *to, size_t room, uint64_t size);
/* Draws it on the terminal. */
void progress_draw(const struct progress *progress, unsigned columns, const char *ending);

/* Signals end the program at once, with its temporary file and its child (output.c). */
void signals_catch(void);
/* For a child, before it executes another program. */
void signals_default(void);
extern volatile sig_atomic_t child_pid;

/* One request to the daemon (ask.c). */
struct request {
	const char *socket;
	const char *url;
	unsigned columns;
	bool quiet; /* no line is to be shown */
	void (*ahead_wanted)(const struct request *request);
};
enum outcome ask_daemon(const struct request *request, struct output *output);
/* One try; -1 with errno set where nobody takes it. */
int socket_connect(const char *path);
/* The monotonic clock's milliseconds. */
int64_t now_ms(void);
/* Whether somebody may be listening at this socket, by its file and the daemon's stamp. */
enum life { LIFE_NONE, LIFE_UNKNOWN, LIFE_FRESH, LIFE_STALE };
enum life daemon_life(const char *socket);
/* The pid of whoever started us, as /proc has it. */
pid_t parent_pid(void);
/* "PID START" of the pacman that calls (proc(5)), or an empty string for anybody else. */
void transaction_of(pid_t parent, char *text, size_t room);
/* Milliseconds since the pacman of such a text began. */
int64_t transaction_age_ms(const char *transaction);

/* The hook's word that packages are here (announce.c); says how the transaction went where the daemon tells. */
int announce(const struct conf *conf);

/* To pacman's user, once a transaction: pacsrv isn't used, and why (told.c). Nothing to whoever isn't pacman. */
void tell_once(const char *why);

/* Other programs (spawn.c). The path of a file that belongs to this program is valid until the next is asked for. */
const char *in_library(const char *name);
/* Which Node runs what runs by Node. */
const char *node_program(void);
_Noreturn void run_program(const struct conf *conf, char **words);
/* `tried`: what mirror_try came to, or an empty string. */
_Noreturn void run_mirrors(const char *url, const char *out, const char *daemon, const char *socket, const char *tried);
void read_ahead(const struct request *request);
bool fetch_remote(const struct conf *conf, const char *url, struct output *output);
/* Begins a program whose standard output is `out`, or ours where that is negative; false where that fails. `input`, of at
   most INPUT_BYTES, is its standard input, or ours where that is NULL. One at a time. */
enum { INPUT_BYTES = 4096 };
bool run_begin(const char **words, int out, const char *input);
/* Waits for it; its exit status. */
int run_end(void);
/* Starts a daemon, where this user may (start.c); false where none is to be had. */
bool start_daemon(const struct conf *conf);

/* One file from a mirror by curl, as pacman's own downloader would (mirror.c). */
struct mirror_call {
	const char *url;
	const char *to;       /* the file to be made; none, where the mirror's is no newer than `present` */
	const char *present;  /* a copy that is here, or NULL */
	const char *patience; /* seconds without a byte */
	unsigned columns;     /* as of a request */
};
/* What curl came to: `pacsrv STATUS BYTES SECONDS CONNECTED MESSAGE`. */
enum { REPORT_BYTES = 640 };
/* curl's exit status; with 0, what came is said. */
int mirror_get(const struct mirror_call *call, char report[REPORT_BYTES]);
/* The first try. True: the file is there. Else `tried` is for the script: curl's status and report; or it is empty where curl wasn't asked. */
bool mirror_try(const char *url, unsigned columns, struct output *output, char tried[REPORT_BYTES]);
/* For the script: `words` are URL, TO, the file that the report goes to, PATIENCE, PRESENT or an empty string. Returns what mirror_get does. */
int mirror_command(char **words);

#endif
