/*
 * Loaded before libc into the UML kernel of OpenZFS 2.1's lab (Linux 6.1) on a CPU with AMX: that kernel keeps 2,696 bytes of
 * a process's xstate and puts those back, which a host that wants all 11,008 refuses with EFAULT ("ptrace set fp regs
 * failed"). What it has is put over what is there. Linux 6.12 and later ask the host for the size.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PEEK_FIRST = 1, PEEK_LAST = 3, GETREGSET = 0x4204, SETREGSET = 0x4205, NT_X86_XSTATE = 0x202 };

long ptrace(int request, ...) {
  va_list arguments;
  va_start(arguments, request);
  long pid = va_arg(arguments, long), address = va_arg(arguments, long), data = va_arg(arguments, long);
  va_end(arguments);
  if (request >= PEEK_FIRST && request <= PEEK_LAST) { /* libc returns the word, the system call stores it */
    long word, failed = syscall(SYS_ptrace, request, pid, address, &word);
    if (failed < 0) return failed;
    errno = 0;
    return word;
  }
  long result = syscall(SYS_ptrace, request, pid, address, data);
  if (result < 0 && request == SETREGSET && (unsigned)address == NT_X86_XSTATE) {
    static char state[65536];
    struct iovec *given = (struct iovec *)data, whole = {state, sizeof state};
    if (syscall(SYS_ptrace, GETREGSET, pid, address, &whole) < 0) return -1;
    memcpy(state, given->iov_base, given->iov_len < whole.iov_len ? given->iov_len : whole.iov_len);
    result = syscall(SYS_ptrace, SETREGSET, pid, address, &whole);
  }
  return result;
}
