// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.sys.Errno;
import java.nio.ByteBuffer;
import java.util.OptionalInt;

/**
 * A program's place on the clsact queueing discipline: what kernels without TCX have. The handle
 * and priority are always the same, so that attaching again replaces and never adds. Stays without
 * the process. Acts on interfaces of the caller's network namespace. Thread-safe.
 *
 * @param ifindex the interface
 * @param hook ingress or egress
 */
public record ClsactFilter(int ifindex, TcxLink.Hook hook) {
  /** Our filter's handle and priority: "tc filter show" has it as "pref 49153 handle 0x51". */
  public static final int HANDLE = 0x51;

  public static final int PRIORITY = 49153;

  private static final int HOOK_SIZE = 24;
  private static final int OPTIONS_SIZE = 32;
  private static final int REPLACE = 1;

  /**
   * Makes the queueing discipline.
   *
   * @return false: there was one
   */
  public static boolean createQdisc(int ifindex) {
    NativeBuffer hook = hook(ifindex, 1 | 2);
    int result = LibBpf.get().bpf_tc_hook_create(hook.address());
    if (result == -Errno.EEXIST) {
      return false;
    }
    Bpf.check(result, "make clsact on ifindex " + ifindex);
    return true;
  }

  /** Takes the queueing discipline off, and every filter on it. No error if there is none. */
  public static void destroyQdisc(int ifindex) {
    NativeBuffer hook = hook(ifindex, 1 | 2);
    int result = LibBpf.get().bpf_tc_hook_destroy(hook.address());
    if (!isAbsent(result)) {
      Bpf.check(result, "remove clsact from ifindex " + ifindex);
    }
  }

  /** Attaches a program, or puts it in the place of the one that is there, atomically. */
  public void attach(Fd program) {
    NativeBuffer options = options();
    options.bytes().putInt(8, program.number()).putInt(12, REPLACE);
    int result = LibBpf.get().bpf_tc_attach(hookOptions().address(), options.address());
    Bpf.check(result, "attach to clsact " + hook + " of ifindex " + ifindex);
  }

  /** The ID of the program at our handle and priority; empty: there is none. */
  public OptionalInt programId() {
    NativeBuffer options = options();
    int result = LibBpf.get().bpf_tc_query(hookOptions().address(), options.address());
    if (isAbsent(result)) {
      return OptionalInt.empty();
    }
    Bpf.check(result, "query clsact " + hook + " of ifindex " + ifindex);
    return OptionalInt.of(options.bytes().getInt(16));
  }

  /** Takes the program at our handle and priority off. No error if there is none. */
  public void detach() {
    int result = LibBpf.get().bpf_tc_detach(hookOptions().address(), options().address());
    if (!isAbsent(result)) {
      Bpf.check(result, "detach from clsact " + hook + " of ifindex " + ifindex);
    }
  }

  /** No qdisc (EINVAL), no filter (ENOENT) or no interface (ENODEV). */
  private static boolean isAbsent(int result) {
    return result == -Errno.EINVAL || result == -Errno.ENOENT || result == -Errno.ENODEV;
  }

  private NativeBuffer hookOptions() {
    return hook(ifindex, hook == TcxLink.Hook.INGRESS ? 1 : 2);
  }

  private static NativeBuffer hook(int ifindex, int attachPoint) {
    NativeBuffer buffer = new NativeBuffer(HOOK_SIZE);
    ByteBuffer b = buffer.bytes();
    b.putLong(0, HOOK_SIZE).putInt(8, ifindex).putInt(12, attachPoint);
    return buffer;
  }

  private static NativeBuffer options() {
    NativeBuffer buffer = new NativeBuffer(OPTIONS_SIZE);
    buffer.bytes().putLong(0, OPTIONS_SIZE).putInt(20, HANDLE).putInt(24, PRIORITY);
    return buffer;
  }
}
