// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Much data over TCP: a server that sends back the first byte's wish, all of what it gets or the
 * sum of it, and clients that judge what came back.
 */
public final class Bulk implements AutoCloseable {
  private static final int PATIENCE_SECONDS = 20;
  private static final int ECHO = 'e';
  private static final int SUM = 's';

  private final ServerSocket listener;
  private final AtomicInteger connections = new AtomicInteger();

  private Bulk(ServerSocket listener) {
    this.listener = listener;
  }

  /** Listens on a host's port, both families. */
  public static Bulk serve(Cluster cluster, String host, int port) {
    Bulk server = new Bulk(cluster.on(host, () -> new ServerSocket(port)));
    Thread thread = new Thread(server::acceptAll, "bulk server");
    thread.setDaemon(true);
    thread.start();
    return server;
  }

  private void acceptAll() {
    while (true) {
      try (Socket socket = listener.accept()) {
        connections.incrementAndGet();
        socket.setSoTimeout(PATIENCE_SECONDS * 1000);
        serve(socket);
      } catch (IOException e) {
        if (listener.isClosed()) {
          return;
        }
      }
    }
  }

  private static void serve(Socket socket) throws IOException {
    InputStream in = socket.getInputStream();
    OutputStream out = socket.getOutputStream();
    boolean echo = in.read() == ECHO;
    byte[] chunk = new byte[64 << 10];
    int sum = 1;
    for (int n = in.read(chunk); n > 0; n = in.read(chunk)) {
      if (echo) {
        out.write(chunk, 0, n);
      }
      for (int i = 0; i < n; i++) {
        sum = 31 * sum + chunk[i];
      }
    }
    if (!echo) {
      out.write(Integer.toString(sum).getBytes());
    }
    socket.shutdownOutput();
  }

  /** How many connections it has seen. */
  public int connections() {
    return connections.get();
  }

  /** Whether random bytes came back as they were sent. */
  public static boolean echoed(Cluster cluster, String host, String address, int port, int size)
      throws Exception {
    byte[] data = random(size);
    return Arrays.equals(exchange(cluster, host, address, port, ECHO, data), data);
  }

  /** Whether random bytes arrived as they were sent; little comes back. */
  public static boolean uploaded(Cluster cluster, String host, String address, int port, int size)
      throws Exception {
    byte[] data = random(size);
    byte[] sum = exchange(cluster, host, address, port, SUM, data);
    return new String(sum).equals(Integer.toString(Arrays.hashCode(data)));
  }

  private static byte[] exchange(
      Cluster cluster, String host, String address, int port, int wish, byte[] data)
      throws Exception {
    try (Socket socket = cluster.on(host, () -> connect(address, port))) {
      socket.setSoTimeout(PATIENCE_SECONDS * 1000);
      CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> send(socket, wish, data));
      byte[] back = socket.getInputStream().readAllBytes();
      sent.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      return back;
    }
  }

  private static Socket connect(String address, int port) throws IOException {
    Socket socket = new Socket();
    socket.connect(new InetSocketAddress(address, port), PATIENCE_SECONDS * 1000);
    return socket;
  }

  private static void send(Socket socket, int wish, byte[] data) {
    try {
      OutputStream out = socket.getOutputStream();
      out.write(wish);
      out.write(data);
      socket.shutdownOutput();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] random(int size) {
    byte[] data = new byte[size];
    new Random(size).nextBytes(data);
    return data;
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }
}
