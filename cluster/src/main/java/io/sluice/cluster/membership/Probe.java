// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import io.sluice.cluster.tls.Tls;
import io.sluice.cluster.tls.TlsException;
import io.sluice.config.settings.ClusterKeys;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSocket;

/**
 * Why a node does not answer. Messages between nodes just do not arrive, whatever the cause; here
 * their port is tried by hand, so that the cause can be named. Blocks.
 */
final class Probe {
  private static final int CONNECT_MILLIS = 1000;
  private static final int ANSWER_MILLIS = 700;

  private final Optional<ClusterKeys.Tls> tls;

  Probe(Optional<ClusterKeys.Tls> tls) {
    this.tls = tls;
  }

  /**
   * @param address HOST:PORT
   * @return the cause, in some words
   */
  String cause(String address) {
    int colon = address.lastIndexOf(':');
    String host = address.substring(0, colon).replaceAll("[\\[\\]]", "");
    int port = Integer.parseInt(address.substring(colon + 1));
    InetSocketAddress there = new InetSocketAddress(host, port);
    if (there.isUnresolved()) {
      return "its name is not known";
    }
    try (Socket socket = new Socket()) {
      socket.connect(there, CONNECT_MILLIS);
      socket.setSoTimeout(ANSWER_MILLIS);
      return tls.isPresent() ? secured(socket, host, port) : open(socket, host, port);
    } catch (ConnectException e) {
      return "nothing listens there";
    } catch (NoRouteToHostException e) {
      return "no route leads there";
    } catch (SocketTimeoutException e) {
      return "packets get no answer: the host is down, or something on the way drops them";
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    } catch (TlsException e) {
      return "cluster.tls: " + e.getMessage();
    }
  }

  private String secured(Socket socket, String host, int port) throws IOException {
    ClusterKeys.Tls files = tls.orElseThrow();
    SSLContext context = Tls.client(files.ca(), files.certificate(), files.key());
    boolean trusted = false;
    try (SSLSocket secure = wrap(context, socket, host, port)) {
      secure.startHandshake();
      trusted = true;
      // With TLS 1.3 the other side judges our certificate after the handshake.
      int read = secure.getInputStream().read();
      return read < 0 ? "it hangs up" : connected();
    } catch (SocketTimeoutException e) {
      return trusted ? connected() : "it does not speak TLS: it has no cluster.tls";
    } catch (SSLHandshakeException e) {
      return e.getMessage().contains("Received fatal alert")
          ? "it does not believe this node's certificate: is that signed by its cluster.tls.ca?"
          : e.getMessage().contains("PKIX") || e.getMessage().contains("trust")
              ? "its certificate is not signed by this node's cluster.tls.ca"
              : "it does not speak TLS: it has no cluster.tls";
    } catch (SSLException e) {
      return trusted || String.valueOf(e.getMessage()).contains("alert")
          ? "it does not believe this node's certificate: is that signed by its cluster.tls.ca?"
          : "it does not speak TLS: it has no cluster.tls";
    } catch (EOFException e) {
      return "it does not speak TLS: it has no cluster.tls";
    } catch (IOException e) {
      return trusted
          ? "it does not believe this node's certificate: is that signed by its cluster.tls.ca?"
          : "it does not speak TLS: it has no cluster.tls";
    }
  }

  /** Says hello in TLS: an answer in TLS, if only a refusal, gives the other side away. */
  private static String open(Socket socket, String host, int port) throws IOException {
    try (SSLSocket secure = wrap(Tls.believingAnybody(), socket, host, port)) {
      secure.startHandshake();
      return "it speaks TLS, and this node has no cluster.tls";
    } catch (SSLException e) {
      return String.valueOf(e.getMessage()).contains("alert")
          ? "it speaks TLS, and this node has no cluster.tls"
          : connected();
    } catch (IOException e) {
      return connected();
    }
  }

  private static SSLSocket wrap(SSLContext context, Socket socket, String host, int port)
      throws IOException {
    return (SSLSocket) context.getSocketFactory().createSocket(socket, host, port, true);
  }

  private static String connected() {
    return "somebody listens there, but not by that address: its cluster.host and cluster.port must"
        + " be the same";
  }
}
