// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.sys.Errno;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What the running kernel can do, found by trying it with things that vanish at once, not by its
 * version. Thread-safe.
 */
public final class KernelFeatures {
  private static final Path VMLINUX_BTF = Path.of("/sys/kernel/btf/vmlinux");
  private static final Path JIT = Path.of("/proc/sys/net/core/bpf_jit_enable");
  private static final int PAGE = 4096;
  private static final int LOOPBACK = 1;

  private static final int HELPER_REDIRECT_PEER = 155;
  private static final int HELPER_FOR_EACH = 164;

  private KernelFeatures() {}

  /** As uname -r has it. */
  public static String release() {
    return System.getProperty("os.version");
  }

  /** Whether the kernel is of this version or a later one. */
  public static boolean atLeast(int major, int minor) {
    String[] parts = release().split("[^0-9]+", 3);
    int ourMajor = Integer.parseInt(parts[0]);
    return ourMajor > major || ourMajor == major && Integer.parseInt(parts[1]) >= minor;
  }

  /** TCX hooks and links (6.6): the multi-program successor of clsact. */
  public static boolean tcx() {
    try {
      HookQuery.of(LOOPBACK, TcxLink.Hook.INGRESS);
      return true;
    } catch (KernelException e) {
      // A kernel that has TCX can only miss the interface.
      return e.errno() == Errno.ENODEV;
    }
  }

  /** LRU hashes (4.10). */
  public static boolean lruHash() {
    return makes(new MapSpec(MapType.LRU_HASH, "probe", 4, 4, 1024, 0));
  }

  /** Longest-prefix-match tries (4.11). */
  public static boolean lpmTrie() {
    return makes(new MapSpec(MapType.LPM_TRIE, "probe", 8, 4, 1, MapSpec.NO_PREALLOC));
  }

  /** Ring buffers (5.8). */
  public static boolean ringBuffer() {
    return makes(new MapSpec(MapType.RINGBUF, "probe", 0, 0, PAGE, 0));
  }

  private static boolean makes(MapSpec spec) {
    try (Fd map = spec.create()) {
      return map.number() >= 0;
    } catch (KernelException e) {
      return isUnlessPrivilege(e);
    }
  }

  /** Whether this kind of map has batches: hashes since 5.6, tries since 5.13. */
  public static boolean batches(MapType type) {
    boolean trie = type == MapType.LPM_TRIE;
    int flags = trie ? MapSpec.NO_PREALLOC : 0;
    try (Fd map = new MapSpec(type, "probe", type.isArray() ? 4 : 8, 8, 1024, flags).create()) {
      NativeBuffer room = new NativeBuffer(64);
      long address = room.address();
      room.bytes().putInt(0, trie ? 32 : 0);
      return MapCalls.updateBatch(map, address, address + 16, 1) == 0
          && MapCalls.lookupBatch(map, 0, address, address + 16, address + 32, 1)
              != -Errno.ENOTSUPP;
    } catch (KernelException e) {
      return isUnlessPrivilege(e);
    }
  }

  /** bpf_redirect_peer (5.10): into a pod without its host-side queue. */
  public static boolean redirectPeer() {
    return hasHelper(HELPER_REDIRECT_PEER);
  }

  /** bpf_for_each_map_elem (5.13): the conntrack cleaner's loop. */
  public static boolean forEachMapElement() {
    return hasHelper(HELPER_FOR_EACH);
  }

  /** A call without its arguments is refused for them, and not for the helper, if that exists. */
  private static boolean hasHelper(int helper) {
    ByteBuffer code = ByteBuffer.allocate(16).order(ByteOrder.nativeOrder());
    code.putInt(0, 0x85).putInt(4, helper).putInt(8, 0x95);
    try (Fd program = Programs.load(Programs.SCHED_CLS, "probe", code.array(), List.of())) {
      return program.number() >= 0;
    } catch (VerifierException e) {
      return !e.log().contains("invalid func") && !e.log().contains("unknown func");
    }
  }

  /** The kernel's own types at /sys/kernel/btf/vmlinux, which kfuncs and CO-RE need. */
  public static boolean kernelTypes() {
    return Files.isReadable(VMLINUX_BTF);
  }

  /** The kfunc bpf_cast_to_kern_ctx (6.2): lets programs read how far a checksum has got. */
  public static boolean castToKernelContext() {
    return hasKernelFunction("bpf_cast_to_kern_ctx");
  }

  /** Whether the kernel's types name a function: BTF holds names as strings between zeroes. */
  private static boolean hasKernelFunction(String name) {
    if (!kernelTypes()) {
      return false;
    }
    try {
      byte[] types = Files.readAllBytes(VMLINUX_BTF);
      String text = new String(types, StandardCharsets.ISO_8859_1);
      return text.contains("\0" + name + "\0");
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether programs are compiled to machine code; without, they are many times slower. */
  public static boolean jit() {
    try {
      return !Files.readString(JIT).strip().equals("0");
    } catch (IOException e) {
      // Kernels that always compile have no switch; the file is also hidden from other namespaces.
      return true;
    }
  }

  /** Missing privilege says nothing of the kernel: let it reach the user. */
  private static boolean isUnlessPrivilege(KernelException e) {
    if (e.errno() == Errno.EPERM || e.errno() == Errno.EACCES) {
      throw e;
    }
    return false;
  }
}
