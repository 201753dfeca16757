// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.net.NetlinkEvent.Change;
import io.sluice.kernel.sys.Errno;
import io.sluice.kernel.sys.Libc;
import io.sluice.kernel.sys.Netns;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A subscription to changes of a network namespace, delivered in order on a daemon thread of its
 * own.
 *
 * <p>Subscribed once the factory returns: a dump made after that, and the events, miss nothing
 * together (and may tell some things twice). The listener should hand over and return; while it
 * works, events wait in the socket, and when that is full the kernel drops them and the listener
 * gets a {@link NetlinkEvent.Resync}.
 */
public final class NetlinkEvents implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NetlinkEvents.class);

  /** Room for about 10,000 changes of routes while the listener is busy. */
  private static final int RECEIVE_BYTES = 8 << 20;

  private static final int EFD_CLOEXEC_NONBLOCK = 0x80000 | 0x800;
  private static final short POLLIN = 1;
  private static final int FOREVER = -1;

  private final NetlinkSocket socket;
  private final int wake;
  private final Consumer<NetlinkEvent> listener;
  private final Thread thread;
  private volatile boolean closing;
  private boolean ended; // guarded by this

  /** What can be subscribed to. */
  public enum Topic {
    LINKS(1),
    NEIGHBOURS(1 << 2),
    ADDRESSES(1 << 4 | 1 << 8),
    ROUTES(1 << 6 | 1 << 10);

    private final int groups; // RTMGRP_*, of both families

    Topic(int groups) {
      this.groups = groups;
    }
  }

  private NetlinkEvents(
      String name, NetlinkSocket socket, int wake, Consumer<NetlinkEvent> listener) {
    this.socket = socket;
    this.wake = wake;
    this.listener = listener;
    this.thread = new Thread(this::loop, name);
    thread.setDaemon(true);
  }

  /**
   * Subscribes in the calling thread's network namespace.
   *
   * @param listener called for each event, on one thread; what it throws is logged, and the
   *     subscription goes on
   */
  public static NetlinkEvents open(Set<Topic> topics, Consumer<NetlinkEvent> listener) {
    return open(topics, RECEIVE_BYTES, listener);
  }

  /** Subscribes in another network namespace, which may be closed afterwards. */
  public static NetlinkEvents open(
      Netns netns, Set<Topic> topics, Consumer<NetlinkEvent> listener) {
    return netns.run(() -> open(topics, listener));
  }

  static NetlinkEvents open(Set<Topic> topics, int receiveBytes, Consumer<NetlinkEvent> listener) {
    int groups = topics.stream().mapToInt(topic -> topic.groups).reduce(0, (a, b) -> a | b);
    NetlinkSocket socket = new NetlinkSocket(groups, receiveBytes);
    int wake = Libc.get().eventfd(0, EFD_CLOEXEC_NONBLOCK);
    if (wake < 0) {
      int errno = Libc.errno();
      socket.close();
      throw Errno.failure("open eventfd", errno);
    }
    NetlinkEvents events = new NetlinkEvents("rtnetlink events", socket, wake, listener);
    events.thread.start();
    return events;
  }

  private void loop() {
    ByteBuffer pollfds = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
    pollfds.putInt(0, socket.fd()).putShort(4, POLLIN).putInt(8, wake).putShort(12, POLLIN);
    try {
      while (!closing) {
        int ready = Libc.get().poll(pollfds, 2, FOREVER);
        if (ready < 0 && Libc.errno() != Errno.EINTR) {
          throw Errno.failure("wait for rtnetlink events", Libc.errno());
        }
        while (!closing && receive()) {
          // one datagram after the other, until none is left
        }
      }
    } catch (KernelException e) {
      LOG.error("no more rtnetlink events", e);
    } finally {
      end();
    }
  }

  /**
   * Under the lock, so that nobody writes to a descriptor number that is somebody else's by now.
   */
  private synchronized void end() {
    ended = true;
    socket.close();
    Libc.get().close(wake);
  }

  private synchronized void wake() {
    closing = true;
    if (!ended) {
      ByteBuffer one = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putLong(0, 1);
      Libc.get().write(wake, one, 8);
    }
  }

  private boolean receive() {
    try {
      return socket.poll(this::deliver);
    } catch (KernelException e) {
      switch (e.errno()) {
        case Errno.ENOBUFS, Errno.EMSGSIZE, Errno.ENOMEM -> tell(new NetlinkEvent.Resync());
        default -> throw e;
      }
      return true;
    }
  }

  private void deliver(NetlinkSocket.Message message) {
    NetlinkEvent event = parse(message);
    if (event != null && !closing) {
      tell(event);
    }
  }

  private void tell(NetlinkEvent event) {
    try {
      listener.accept(event);
    } catch (RuntimeException e) {
      LOG.error("listener failed on {}", event, e);
    }
  }

  private static NetlinkEvent parse(NetlinkSocket.Message message) {
    return switch (message.type()) {
      case LinkCodec.RTM_NEWLINK -> link(Change.PRESENT, message);
      case LinkCodec.RTM_DELLINK -> link(Change.GONE, message);
      case AddressCodec.RTM_NEWADDR -> address(Change.PRESENT, message);
      case AddressCodec.RTM_DELADDR -> address(Change.GONE, message);
      case RouteCodec.RTM_NEWROUTE -> route(Change.PRESENT, message);
      case RouteCodec.RTM_DELROUTE -> route(Change.GONE, message);
      case NeighbourCodec.RTM_NEWNEIGH -> neighbour(Change.PRESENT, message);
      case NeighbourCodec.RTM_DELNEIGH -> neighbour(Change.GONE, message);
      default -> null;
    };
  }

  private static NetlinkEvent link(Change change, NetlinkSocket.Message message) {
    Link link = LinkCodec.parse(message);
    return link == null ? null : new NetlinkEvent.LinkChanged(change, link);
  }

  private static NetlinkEvent address(Change change, NetlinkSocket.Message message) {
    Address address = AddressCodec.parse(message);
    return address == null ? null : new NetlinkEvent.AddressChanged(change, address);
  }

  private static NetlinkEvent route(Change change, NetlinkSocket.Message message) {
    Route route = RouteCodec.parse(message);
    return route == null ? null : new NetlinkEvent.RouteChanged(change, route);
  }

  private static NetlinkEvent neighbour(Change change, NetlinkSocket.Message message) {
    Neighbour neighbour = NeighbourCodec.parse(message);
    return neighbour == null ? null : new NetlinkEvent.NeighbourChanged(change, neighbour);
  }

  /**
   * Ends the subscription and waits for its thread, unless called on it. No event is delivered
   * after this returns.
   */
  @Override
  public void close() {
    wake();
    if (Thread.currentThread() != thread) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
