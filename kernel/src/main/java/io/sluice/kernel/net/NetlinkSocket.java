// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.sys.Libc;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A NETLINK_ROUTE socket in the network namespace of the thread that opens it. Requests and their
 * answers alternate, under a lock.
 */
final class NetlinkSocket implements AutoCloseable {
  static final int NLM_F_REQUEST = 1;
  static final int NLM_F_ACK = 4;
  static final int NLM_F_DUMP = 0x300;
  static final int NLM_F_REPLACE = 0x100;
  static final int NLM_F_EXCL = 0x200;
  static final int NLM_F_CREATE = 0x400;

  private static final int NLM_F_DUMP_INTR = 0x10;
  private static final int NLM_F_ACK_TLVS = 0x200;
  private static final int NLMSG_ERROR = 2;
  private static final int NLMSG_DONE = 3;
  private static final int NLMSG_MIN_TYPE = 16;
  private static final int NLMSGERR_ATTR_MSG = 1;
  private static final int NLMSGERR_HEADER = 4 + MessageWriter.HEADER;

  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;
  private static final int NETLINK_ROUTE = 0;
  private static final int SOL_NETLINK = 270;
  private static final int NETLINK_CAP_ACK = 10;
  private static final int NETLINK_EXT_ACK = 11;
  private static final int NETLINK_GET_STRICT_CHK = 12;
  private static final int SOL_SOCKET = 1;
  private static final int SO_RCVBUFFORCE = 33;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_TRUNC = 0x20;

  // The kernel makes dump pieces of up to 32 KiB, and a single message of a device with many
  // virtual functions can be longer.
  private static final int BUFFER = 256 * 1024;
  private static final int DUMP_ATTEMPTS = 100;

  private final int fd;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.nativeOrder());
  private int sequence;
  private boolean closed;

  /** One message; the payload is valid until the next is received. */
  record Message(int type, int flags, int sequence, ByteBuffer payload) {}

  /**
   * @param groups multicast groups as a mask, bit {@code RTNLGRP_x - 1} each
   * @param receiveBytes size of the receive buffer, beyond the sysctl's bound; 0 for the default
   */
  NetlinkSocket(int groups, int receiveBytes) {
    Libc libc = Libc.get();
    fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE);
    Libc.check("open rtnetlink socket", fd);
    try {
      option(SOL_NETLINK, NETLINK_CAP_ACK, 1, "short acknowledgements");
      option(SOL_NETLINK, NETLINK_EXT_ACK, 1, "extended acknowledgements");
      option(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1, "filtered dumps");
      if (receiveBytes > 0) {
        option(SOL_SOCKET, SO_RCVBUFFORCE, receiveBytes, "a receive buffer of " + receiveBytes);
      }
      ByteBuffer address = ByteBuffer.allocateDirect(12).order(ByteOrder.nativeOrder());
      address.putShort((short) AF_NETLINK).putShort((short) 0).putInt(0).putInt(groups).flip();
      Libc.check("bind rtnetlink socket", libc.bind(fd, address, 12));
    } catch (KernelException e) {
      libc.close(fd);
      throw e;
    }
  }

  private void option(int level, int name, int value, String what) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(4).order(ByteOrder.nativeOrder());
    bytes.putInt(0, value);
    Libc.check("ask rtnetlink for " + what, Libc.get().setsockopt(fd, level, name, bytes, 4));
  }

  int fd() {
    return fd;
  }

  /**
   * Sends a request that changes something, and waits until the kernel has done it.
   *
   * @param what what is asked, for the exception's text
   */
  synchronized void request(String what, MessageWriter message) {
    exchange(what, message, m -> {});
  }

  /** Sends a request for one object. */
  synchronized <T> T get(String what, MessageWriter message, Function<Message, T> parse) {
    List<T> found = new ArrayList<>(1);
    exchange(what, message, m -> found.add(parse.apply(m)));
    if (found.isEmpty()) {
      throw Errno.failure(what, Errno.ENOENT, "the kernel acknowledged and sent nothing");
    }
    return found.get(0);
  }

  /**
   * Dumps objects. When something changes while the kernel walks its tables, the result could miss
   * what was there all the time: such a dump is done again. A list with holes is never returned,
   * for somebody may delete what it does not show.
   *
   * @param parse returns null for objects to leave out
   */
  synchronized <T> List<T> dump(String what, MessageWriter message, Function<Message, T> parse) {
    for (int attempt = 1; ; attempt++) {
      List<T> found = new ArrayList<>();
      boolean consistent =
          exchange(
              what,
              message,
              m -> {
                T parsed = parse.apply(m);
                if (parsed != null) {
                  found.add(parsed);
                }
              });
      if (consistent) {
        return found;
      }
      if (attempt == DUMP_ATTEMPTS) {
        throw Errno.failure(what, Errno.EAGAIN, "changed faster than it could be listed whole");
      }
    }
  }

  /** Returns false if the kernel said that a dump was disturbed. */
  private boolean exchange(String what, MessageWriter message, Consumer<Message> sink) {
    if (closed) {
      throw new IllegalStateException("rtnetlink socket is closed");
    }
    int expected = ++sequence;
    ByteBuffer out = message.finish(expected);
    Libc.check(what, Libc.get().send(fd, out, out.limit(), 0));
    boolean consistent = true;
    while (true) {
      ByteBuffer in = receive(what, 0);
      Message m;
      while ((m = next(in)) != null) {
        if (m.sequence() != expected) {
          continue; // left over from an exchange that failed half-way
        }
        consistent &= (m.flags() & NLM_F_DUMP_INTR) == 0;
        if (m.type() == NLMSG_ERROR || m.type() == NLMSG_DONE) {
          check(what, m);
          return consistent;
        } else if (m.type() >= NLMSG_MIN_TYPE) {
          sink.accept(m);
        }
      }
    }
  }

  private static void check(String what, Message m) {
    ByteBuffer payload = m.payload();
    int error = payload.remaining() < 4 ? 0 : -payload.getInt(0);
    if (error == 0) {
      return;
    }
    String why = "";
    if ((m.flags() & NLM_F_ACK_TLVS) != 0) {
      int skip = m.type() == NLMSG_ERROR ? NLMSGERR_HEADER : 4;
      if (payload.remaining() > skip) {
        why = new Attributes(payload.position(skip)).text(NLMSGERR_ATTR_MSG);
      }
    }
    throw Errno.failure(what, error, why);
  }

  /**
   * Receives one datagram, which holds one or more messages.
   *
   * @return the messages; null when {@code MSG_DONTWAIT} finds nothing
   * @throws KernelException with ENOBUFS when multicast messages were lost
   */
  private ByteBuffer receive(String what, int flags) {
    while (true) {
      long length = Libc.get().recv(fd, buffer.clear(), BUFFER, flags | MSG_TRUNC);
      if (length > BUFFER) {
        throw Errno.failure(what, Errno.EMSGSIZE, "the kernel's answer has " + length + " bytes");
      }
      if (length >= 0) {
        return buffer.limit((int) length);
      }
      int errno = Libc.errno();
      if (errno == Errno.EAGAIN) {
        return null;
      }
      if (errno != Errno.EINTR) {
        throw Errno.failure(what, errno);
      }
    }
  }

  /** All messages of one datagram that is already there; false if there is none. */
  boolean poll(Consumer<Message> sink) {
    ByteBuffer in = receive("receive rtnetlink events", MSG_DONTWAIT);
    if (in == null) {
      return false;
    }
    Message m;
    while ((m = next(in)) != null) {
      sink.accept(m);
    }
    return true;
  }

  /** Takes the next message off a datagram; null at its end. */
  private static Message next(ByteBuffer in) {
    if (in.remaining() < MessageWriter.HEADER) {
      return null;
    }
    int start = in.position();
    int length = in.getInt(start);
    if (length < MessageWriter.HEADER || start + length > in.limit()) {
      return null;
    }
    ByteBuffer payload =
        in.slice(start + MessageWriter.HEADER, length - MessageWriter.HEADER)
            .order(ByteOrder.nativeOrder());
    in.position(Math.min(in.limit(), start + (length + 3 & ~3)));
    return new Message(
        in.getShort(start + 4) & 0xffff,
        in.getShort(start + 6) & 0xffff,
        in.getInt(start + 8),
        payload);
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      Libc.get().close(fd);
    }
  }
}
