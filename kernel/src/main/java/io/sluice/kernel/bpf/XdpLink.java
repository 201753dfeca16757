// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.bpf;

import io.sluice.kernel.sys.Errno;
import java.nio.ByteBuffer;
import java.util.Locale;

/**
 * A program's place on an interface's XDP hook, which takes one program only. Lasts as long as its
 * descriptors and pins; when its interface goes, the link lives on and holds nothing. Thread-safe.
 */
public final class XdpLink implements AutoCloseable {
  /** Attach type of XDP programs, at attaching and, as libbpf has it, at loading. */
  public static final int ATTACH_TYPE = 37;

  private static final int LINK_CREATE = 28;
  private static final int LINK_UPDATE = 29;
  private static final int LINK_DETACH = 34;
  private static final int INFO_SIZE = 64;
  private static final int TYPE_XDP = 6;

  /** Who runs the program. */
  public enum Mode {
    /** The interface's driver, before there is an skb. */
    NATIVE(1 << 2),
    /** The stack, on any interface: later and dearer. */
    GENERIC(1 << 1);

    private final int flag;

    Mode(int flag) {
      this.flag = flag;
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
  public XdpLink(Fd fd) {
    this.fd = fd;
  }

  /**
   * Attaches a program.
   *
   * @param ifindex of the caller's network namespace
   * @throws KernelException with EBUSY or EEXIST if another program is there; with EOPNOTSUPP,
   *     EINVAL or ERANGE if the driver does not take it
   */
  public static XdpLink attach(Fd program, int ifindex, Mode mode) {
    ByteBuffer attr = Bpf.attr();
    attr.putInt(0, program.number()).putInt(4, ifindex).putInt(8, ATTACH_TYPE);
    attr.putInt(12, mode.flag);
    return new XdpLink(
        Bpf.open(LINK_CREATE, "attach to XDP of ifindex %d (%s)".formatted(ifindex, mode)));
  }

  /** Puts another program into this link's place, atomically: no packet sees none. */
  public void update(Fd program) {
    ByteBuffer attr = Bpf.attr();
    attr.putInt(0, fd.number()).putInt(4, program.number());
    Bpf.check(Bpf.call(LINK_UPDATE), "replace the program of an XDP link");
  }

  /** Takes the program off, though the link is still pinned or open elsewhere. */
  public void detach() {
    Bpf.attr().putInt(0, fd.number());
    int result = Bpf.call(LINK_DETACH);
    if (result != -Errno.ENOLINK) { // its interface is gone already
      Bpf.check(result, "detach an XDP link");
    }
  }

  /**
   * What the kernel knows of a link.
   *
   * @param xdp false: a link of another kind, whose further fields mean nothing
   * @param programId of its program
   * @param ifindex 0: its interface is gone
   */
  public record Info(boolean xdp, int programId, int ifindex) {}

  public Info info() {
    NativeBuffer info = new NativeBuffer(INFO_SIZE);
    Bpf.info(fd, info, "a link");
    ByteBuffer b = info.bytes();
    return new Info(b.getInt(0) == TYPE_XDP, b.getInt(8), b.getInt(16));
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
