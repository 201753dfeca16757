// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Answers each question for addresses (RFC 1035) with the same ones, over UDP. */
final class DnsServer implements AutoCloseable {
  private static final int HEADER = 12;
  private static final int TYPE_A = 1;
  private static final int CLASS_IN = 1;
  private static final int ANSWER = 0x8180;
  private static final int NAME_OF_THE_QUESTION = 0xc00c;
  private static final int TTL_SECONDS = 1;

  private final DatagramSocket socket;
  private final List<String> addresses = new CopyOnWriteArrayList<>();

  DnsServer() throws IOException {
    socket = new DatagramSocket(0, InetAddress.getLoopbackAddress());
    Thread thread = new Thread(this::serve, "dns");
    thread.setDaemon(true);
    thread.start();
  }

  int port() {
    return socket.getLocalPort();
  }

  void add(String address) {
    addresses.add(address);
  }

  private void serve() {
    byte[] buffer = new byte[512];
    while (!socket.isClosed()) {
      try {
        DatagramPacket question = new DatagramPacket(buffer, buffer.length);
        socket.receive(question);
        byte[] answer = answer(buffer, question.getLength());
        socket.send(new DatagramPacket(answer, answer.length, question.getSocketAddress()));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private byte[] answer(byte[] question, int length) throws IOException {
    int end = HEADER;
    while (question[end] != 0) {
      end += question[end] + 1;
    }
    int type = (question[end + 1] & 0xff) << 8 | question[end + 2] & 0xff;
    end += 5; // the name's end, type and class
    List<String> some = type == TYPE_A ? List.copyOf(addresses) : List.of();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(length);
    DataOutputStream out = new DataOutputStream(bytes);
    out.write(question, 0, 2);
    out.writeShort(ANSWER);
    out.writeShort(1);
    out.writeShort(some.size());
    out.writeInt(0);
    out.write(question, HEADER, end - HEADER);
    for (String address : some) {
      byte[] data = InetAddress.getByName(address).getAddress();
      out.writeShort(NAME_OF_THE_QUESTION);
      out.writeShort(TYPE_A);
      out.writeShort(CLASS_IN);
      out.writeInt(TTL_SECONDS);
      out.writeShort(data.length);
      out.write(data);
    }
    return bytes.toByteArray();
  }

  @Override
  public void close() {
    socket.close();
  }
}
