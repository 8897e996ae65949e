// Preloaded into a process (LD_PRELOAD), it hides AVX-512 and AMX from it: the kernel makes each CPUID instruction a
// fault, whose handler gives the processor's answer without those bits. Linux on x86-64, where the processor can do so
// (`cpuid_fault` in /proc/cpuinfo). Threads and forks inherit this; a program that is started anew preloads it again.
#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012
#define BIT(n) (1u << (n))

/* Intel's manual, volume 2A, CPUID: the bits of leaf 7. */
static const unsigned AVX512_EBX =
    BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31);
static const unsigned AVX512_ECX = BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14);
static const unsigned AVX512_AMX_EDX = BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25);
static const unsigned SUBLEAF1_EAX = BIT(4) | BIT(5) | BIT(21) | BIT(23); /* AVX-VNNI, BF16, AMX-FP16, AVX-IFMA */

static int (*libc_sigaction)(int, const struct sigaction *, struct sigaction *);
static struct sigaction others; /* the program's own handler of SIGSEGV, for all other faults */

static void faults(int on) { syscall(SYS_arch_prctl, ARCH_SET_CPUID, on ? 0 : 1); }

static void on_fault(int signal, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  const unsigned char *code = (const unsigned char *)registers[REG_RIP];
  if (info->si_code == SI_KERNEL && code[0] == 0x0f && code[1] == 0xa2) {
    unsigned eax, ebx, ecx, edx;
    const unsigned leaf = registers[REG_RAX], subleaf = registers[REG_RCX];
    faults(0);
    __cpuid_count(leaf, subleaf, eax, ebx, ecx, edx);
    faults(1);
    if (leaf == 7 && subleaf == 0) {
      ebx &= ~AVX512_EBX;
      ecx &= ~AVX512_ECX;
      edx &= ~AVX512_AMX_EDX;
    }
    if (leaf == 7 && subleaf == 1) eax &= ~SUBLEAF1_EAX;
    registers[REG_RAX] = eax;
    registers[REG_RBX] = ebx;
    registers[REG_RCX] = ecx;
    registers[REG_RDX] = edx;
    registers[REG_RIP] += 2;
  } else if (others.sa_flags & SA_SIGINFO && others.sa_sigaction) {
    others.sa_sigaction(signal, info, context);
  } else if (others.sa_handler && others.sa_handler != SIG_DFL && others.sa_handler != SIG_IGN) {
    others.sa_handler(signal);
  } else {
    const struct sigaction end = {.sa_handler = SIG_DFL};
    libc_sigaction(SIGSEGV, &end, 0); /* the fault happens again and ends the process */
  }
}

static void find_sigaction(void) {
  if (!libc_sigaction) libc_sigaction = dlsym(RTLD_NEXT, "sigaction");
}

/* V8 and others set a handler of SIGSEGV by sigaction; it is kept and called from ours. signal() would replace ours. */
int sigaction(int signal, const struct sigaction *action, struct sigaction *old) {
  find_sigaction();
  if (signal != SIGSEGV) return libc_sigaction(signal, action, old);
  if (old) *old = others;
  if (action) others = *action;
  return 0;
}

__attribute__((constructor)) static void start(void) {
  find_sigaction();
  const struct sigaction ours = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
  libc_sigaction(SIGSEGV, &ours, 0);
  if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0)) {
    perror("AVX-512 cannot be hidden: arch_prctl");
    _exit(1); /* a result would be labelled wrongly */
  }
}
