/* Preloaded into a process: notes every call that changes files below a folder, in order, and can
 * kill the process right before the n-th of them.
 *
 * What a call did is noted after it has succeeded, what goes out over TCP before it goes: so at each
 * note of a sending stands before it all that the disk had been asked for. One lock keeps the order
 * among threads; among processes the file of notes is appended to in one write a note.
 *
 * A note: struct head, then `first` bytes of a path and `second` bytes of a path or of data.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SENT_BYTES_MAX (256 * 1024)

struct head {
    char what;
    char pad[3];
    uint32_t first;
    uint32_t second;
    uint32_t pid;
    uint64_t inode;
    int64_t offset;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static char notes[PATH_MAX];
static long calls, kill_at;

#define REAL(name) ({ static __typeof__(&name) found; \
    if (!found) { found = (__typeof__(&name))dlsym(RTLD_NEXT, #name); } found; })

void file_calls_begin(const char *folder, const char *notes_path, long before)
{
    pthread_mutex_lock(&lock);
    if (!realpath(folder, root))
        root[0] = 0;
    root_length = strlen(root);
    calls = 0;
    kill_at = before;
    snprintf(notes, sizeof notes, "%s", notes_path);
    pthread_mutex_unlock(&lock);
}

long file_calls_count(void) { return calls; }

__attribute__((constructor)) static void begin(void)
{
    const char *folder = getenv("FILE_CALLS_ROOT"), *path = getenv("FILE_CALLS_NOTES");
    if (folder && path)
        file_calls_begin(folder, path, 0);
}

static int is_below(const char *path)
{
    return root_length && !strncmp(path, root, root_length)
        && (path[root_length] == '/' || !path[root_length]);
}

static const char *below(const char *path) { return path[root_length] ? path + root_length + 1 : ""; }

/* The path of an open file, or none. */
static int path_of(int fd, char *path)
{
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
    return is_below(path);
}

/* The full path of a name in a folder; `..` does not occur in what the agent writes. */
static int full_path(int folder, const char *name, char *path)
{
    if (name[0] == '/')
        snprintf(path, PATH_MAX, "%s", name);
    else if (folder == AT_FDCWD) {
        if (!root_length || syscall(SYS_getcwd, path, PATH_MAX) < 0)
            return 0;
        strncat(path, "/", PATH_MAX - strlen(path) - 1);
        strncat(path, name, PATH_MAX - strlen(path) - 1);
    } else {
        if (!path_of(folder, path))
            return 0;
        strncat(path, "/", PATH_MAX - strlen(path) - 1);
        strncat(path, name, PATH_MAX - strlen(path) - 1);
    }
    return is_below(path);
}

static void enter(void)
{
    pthread_mutex_lock(&lock);
    if (++calls == kill_at)
        syscall(SYS_kill, getpid(), SIGKILL);
}

static void leave(void)
{
    int kept = errno;
    pthread_mutex_unlock(&lock);
    errno = kept;
}

static void note(char what, uint64_t inode, int64_t offset, const char *path, const void *data,
                 size_t length)
{
    int kept = errno;
    struct head head = { .what = what, .first = strlen(path), .second = length,
                         .pid = getpid(), .inode = inode, .offset = offset };
    struct iovec parts[3] = { { &head, sizeof head }, { (void *)path, head.first },
                              { (void *)data, length } };
    if (notes[0]) { /* opened each time: a process that forks closes what it does not know */
        int fd = syscall(SYS_openat, AT_FDCWD, notes, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0 || syscall(SYS_writev, fd, parts, 3) < 0)
            abort();
        syscall(SYS_close, fd);
    }
    errno = kept;
}

static uint64_t inode_of(int fd)
{
    struct stat status;
    return fstat(fd, &status) ? 0 : status.st_ino;
}

void file_calls_note(const char *text)
{
    pthread_mutex_lock(&lock);
    note('N', 0, 0, "", text, strlen(text));
    pthread_mutex_unlock(&lock);
}

static int open_below(int folder, const char *name, int flags, mode_t mode, const char *path)
{
    struct stat status;
    enter();
    int was_there = !fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW);
    int fd = syscall(SYS_openat, folder, name, flags, mode);
    if (fd >= 0 && !was_there && (flags & O_CREAT) && !(flags & O_DIRECTORY))
        note('c', inode_of(fd), mode, below(path), "", 0);
    else if (fd >= 0 && (flags & O_TRUNC))
        note('t', inode_of(fd), 0, "", "", 0);
    leave();
    return fd;
}

static int any_open(int folder, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    if ((flags & (O_CREAT | O_TRUNC)) && full_path(folder, name, path))
        return open_below(folder, name, flags, mode, path);
    return syscall(SYS_openat, folder, name, flags, mode);
}

#define MODE_OF(flags) ({ mode_t m = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { va_list more; \
    va_start(more, flags); m = va_arg(more, mode_t); va_end(more); } m; })

int open(const char *name, int flags, ...) { return any_open(AT_FDCWD, name, flags, MODE_OF(flags)); }
int open64(const char *name, int flags, ...) { return any_open(AT_FDCWD, name, flags, MODE_OF(flags)); }
int openat(int folder, const char *name, int flags, ...) { return any_open(folder, name, flags, MODE_OF(flags)); }
int openat64(int folder, const char *name, int flags, ...) { return any_open(folder, name, flags, MODE_OF(flags)); }

static void note_written(int fd, off_t at, const void *data, ssize_t done)
{
    if (done > 0)
        note('w', inode_of(fd), at, "", data, done);
}

ssize_t write(int fd, const void *data, size_t length)
{
    char path[PATH_MAX];
    if (!root_length || !path_of(fd, path))
        return REAL(write)(fd, data, length);
    enter();
    struct stat status;
    int appends = syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND;
    off_t at = appends && !fstat(fd, &status) ? status.st_size : lseek(fd, 0, SEEK_CUR);
    ssize_t done = syscall(SYS_write, fd, data, length);
    note_written(fd, at, data, done);
    leave();
    return done;
}

static ssize_t write_at(int fd, const void *data, size_t length, off_t at)
{
    char path[PATH_MAX];
    if (!root_length || !path_of(fd, path))
        return syscall(SYS_pwrite64, fd, data, length, at);
    enter();
    ssize_t done = syscall(SYS_pwrite64, fd, data, length, at);
    note_written(fd, at, data, done);
    leave();
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return write_at(fd, data, length, at); }
ssize_t pwrite64(int fd, const void *data, size_t length, off_t at) { return write_at(fd, data, length, at); }

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    char path[PATH_MAX];
    if (!root_length || !path_of(fd, path))
        return REAL(writev)(fd, parts, count);
    ssize_t done = 0;
    for (int i = 0; i < count; i++) {
        ssize_t more = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (more < 0)
            return done ? done : more;
        done += more;
        if ((size_t)more < parts[i].iov_len)
            break;
    }
    return done;
}

static int sync_file(int fd, long number)
{
    char path[PATH_MAX];
    struct stat status;
    if (!root_length || !path_of(fd, path))
        return syscall(number, fd);
    enter();
    int result = syscall(number, fd);
    if (!result && !fstat(fd, &status))
        note(S_ISDIR(status.st_mode) ? 'd' : 's', status.st_ino, 0, below(path), "", 0);
    leave();
    return result;
}

int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

static int cut(int fd, off_t length)
{
    char path[PATH_MAX];
    if (!root_length || !path_of(fd, path))
        return syscall(SYS_ftruncate, fd, length);
    enter();
    int result = syscall(SYS_ftruncate, fd, length);
    if (!result)
        note('t', inode_of(fd), length, "", "", 0);
    leave();
    return result;
}

int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off_t length) { return cut(fd, length); }

static int on_path(int folder, const char *name, char what, long number, int argument)
{
    char path[PATH_MAX];
    if (!root_length || !full_path(folder, name, path))
        return syscall(number, folder, name, argument);
    enter();
    int result = syscall(number, folder, name, argument);
    if (!result)
        note(what, 0, argument, below(path), "", 0);
    leave();
    return result;
}

int unlink(const char *name) { return on_path(AT_FDCWD, name, 'u', SYS_unlinkat, 0); }
int unlinkat(int folder, const char *name, int flags) { return on_path(folder, name, 'u', SYS_unlinkat, flags); }
int rmdir(const char *name) { return on_path(AT_FDCWD, name, 'u', SYS_unlinkat, AT_REMOVEDIR); }
int mkdir(const char *name, mode_t mode) { return on_path(AT_FDCWD, name, 'm', SYS_mkdirat, mode); }
int mkdirat(int folder, const char *name, mode_t mode) { return on_path(folder, name, 'm', SYS_mkdirat, mode); }

static int two_paths(int from, const char *old, int to, const char *name, char what)
{
    char first[PATH_MAX], second[PATH_MAX];
    long number = what == 'r' ? SYS_renameat2 : SYS_linkat;
    if (!root_length || !full_path(from, old, first) || !full_path(to, name, second))
        return syscall(number, from, old, to, name, 0);
    enter();
    int result = syscall(number, from, old, to, name, 0);
    if (!result)
        note(what, 0, 0, below(first), below(second), strlen(below(second)));
    leave();
    return result;
}

int rename(const char *old, const char *name) { return two_paths(AT_FDCWD, old, AT_FDCWD, name, 'r'); }
int renameat(int from, const char *old, int to, const char *name) { return two_paths(from, old, to, name, 'r'); }
int link(const char *old, const char *name) { return two_paths(AT_FDCWD, old, AT_FDCWD, name, 'l'); }
int linkat(int from, const char *old, int to, const char *name, int flags)
{
    return flags ? REAL(linkat)(from, old, to, name, flags) : two_paths(from, old, to, name, 'l');
}

ssize_t send(int fd, const void *data, size_t length, int flags)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (notes[0] && !getsockname(fd, (struct sockaddr *)&address, &size)
        && (address.ss_family == AF_INET || address.ss_family == AF_INET6)) {
        pthread_mutex_lock(&lock);
        note('S', 0, 0, "", data, length < SENT_BYTES_MAX ? length : SENT_BYTES_MAX);
        pthread_mutex_unlock(&lock);
    }
    return REAL(send)(fd, data, length, flags);
}
