// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.sys.Errno;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.OptionalLong;

/**
 * A program's place on a TCX hook (Linux 6.6 and later). Lasts as long as its descriptors and pins;
 * when its interface goes, the link lives on and holds nothing. Thread-safe.
 */
public final class TcxLink implements AutoCloseable {
  private static final int LINK_CREATE = 28;
  private static final int LINK_UPDATE = 29;
  private static final int LINK_DETACH = 34;
  private static final int INFO_SIZE = 64;
  private static final int TYPE_TCX = 11;
  private static final int BEFORE = 1 << 3; // BPF_F_BEFORE; with no relative: at the head

  /** Host-ingress and host-egress. */
  public enum Hook {
    INGRESS(46),
    EGRESS(47);

    private final int attachType;

    Hook(int attachType) {
      this.attachType = attachType;
    }

    int attachType() {
      return attachType;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final Fd fd;

  /**
   * Adopts a link, such as a pinned one.
   *
   * @param fd becomes this object's
   */
  public TcxLink(Fd fd) {
    this.fd = fd;
  }

  /**
   * Attaches a program at the head of a hook, before all that is there.
   *
   * @param ifindex of the caller's network namespace
   * @param revision of the hook ({@link HookQuery}) that the caller has seen: if it has changed
   *     since, this fails with ESTALE; empty: whatever it is
   */
  public static TcxLink attach(Fd program, int ifindex, Hook hook, OptionalLong revision) {
    ByteBuffer attr = Bpf.attr();
    attr.putInt(0, program.number()).putInt(4, ifindex).putInt(8, hook.attachType());
    attr.putInt(12, BEFORE).putLong(24, revision.orElse(0));
    return new TcxLink(Bpf.open(LINK_CREATE, "attach to TCX " + hook + " of ifindex " + ifindex));
  }

  /** Puts another program into this link's place, atomically: no packet sees none. */
  public void update(Fd program) {
    ByteBuffer attr = Bpf.attr();
    attr.putInt(0, fd.number()).putInt(4, program.number());
    Bpf.check(Bpf.call(LINK_UPDATE), "replace the program of a TCX link");
  }

  /** Takes the program off, though the link is still pinned or open elsewhere. */
  public void detach() {
    Bpf.attr().putInt(0, fd.number());
    int result = Bpf.call(LINK_DETACH);
    if (result != -Errno.ENOLINK) { // its interface is gone already
      Bpf.check(result, "detach a TCX link");
    }
  }

  /**
   * What the kernel knows of a link.
   *
   * @param id unique on this machine while the link lives
   * @param tcx false: a link of another kind, whose further fields mean nothing
   * @param programId of its program
   * @param ifindex 0: its interface is gone
   * @param ingress else egress
   */
  public record Info(int id, boolean tcx, int programId, int ifindex, boolean ingress) {}

  public Info info() {
    NativeBuffer info = new NativeBuffer(INFO_SIZE);
    Bpf.info(fd, info, "a link");
    ByteBuffer b = info.bytes();
    return new Info(
        b.getInt(4),
        b.getInt(0) == TYPE_TCX,
        b.getInt(8),
        b.getInt(16),
        b.getInt(20) == Hook.INGRESS.attachType());
  }

  /** The descriptor; this object's. */
  public Fd fd() {
    return fd;
  }

  @Override
  public void close() {
    fd.close();
  }
}
