// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.agent.Main;
import io.sluice.kernel.testing.TestBpffs;
import io.sluice.kernel.testing.TestNetns;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A node in a network namespace of its own, with two pods, {@code client} and {@code web}, and the
 * agent as a process of its own, so that it can be killed.
 */
final class TestAgent implements AutoCloseable {
  static final String SERVICE4 = "10.96.0.10";
  static final String SERVICE6 = "fd00:96::10";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int PORT = 8558;

  private final TestNetns node = TestNetns.create("agent-node");
  private final TestNetns client = pod("client", 2);
  private final TestNetns web = pod("web", 3);
  private final TestBpffs bpffs = TestBpffs.mount();
  private final Path folder;
  private final ServerSocket server;
  private Process process;

  /** What a command has said and how it ended. */
  record Said(int code, String output) {}

  TestAgent(Path folder) throws IOException {
    this(folder, "{ type = file, path = \"%s/manifests\" }".formatted(folder));
  }

  /**
   * @param source as in the agent's file
   */
  TestAgent(Path folder, String source) throws IOException {
    this.folder = folder;
    Files.createDirectories(folder.resolve("manifests"));
    Files.writeString(
        folder.resolve("agent.conf"),
        """
        sluice {
          node-name = n1
          source = %s
          bpffs = "%s"
          data-dir = "%s/data"
          management.port = %d
        }
        """
            .formatted(source, bpffs.path(), folder, PORT));
    manifest("node.yaml", NODE);
    manifest("web.yaml", SERVICE);
    server = web.netns().run(() -> new ServerSocket(8080, 64, InetAddress.getByName("::")));
    Thread answering = new Thread(this::answer, "web");
    answering.setDaemon(true);
    answering.start();
  }

  /** Makes a pod's namespace and its interface, as CNI does. */
  private TestNetns pod(String name, int number) {
    TestNetns pod = TestNetns.create("agent-pod");
    String nic = "cali" + sha1("default." + name).substring(0, 11);
    TestNetns.exec(
        "ip",
        "-n",
        node.name(),
        "link",
        "add",
        nic,
        "address",
        "ee:ee:ee:ee:ee:ee",
        "type",
        "veth",
        "peer",
        "name",
        "eth0",
        "netns",
        pod.name());
    pod.sh("ip link set eth0 up");
    node.sh("ip link set " + nic + " up");
    pod.sh(
        """
        ip addr add 10.1.0.%1$d/32 dev eth0
        ip addr add fd00:1::%1$d/128 dev eth0 nodad
        ip route add 169.254.1.1 dev eth0 scope link
        ip route add default via 169.254.1.1
        ip -6 route add default via fe80::ecee:eeff:feee:eeee dev eth0
        """
            .formatted(number));
    return pod;
  }

  private static String sha1(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Answers every byte with itself, for as long as the connection lasts. */
  private void answer() {
    while (!server.isClosed()) {
      try {
        Socket peer = server.accept();
        Thread one =
            new Thread(
                () -> {
                  try (peer) {
                    peer.getInputStream().transferTo(peer.getOutputStream());
                  } catch (IOException e) {
                    // The peer's business.
                  }
                });
        one.setDaemon(true);
        one.start();
      } catch (IOException e) {
        return;
      }
    }
  }

  /** A connection from the client pod. */
  Socket connect(String address, int port) {
    return client
        .netns()
        .run(
            () -> {
              Socket socket = new Socket();
              socket.setSoTimeout(3000);
              socket.connect(new InetSocketAddress(InetAddress.getByName(address), port), 3000);
              return socket;
            });
  }

  /** Sends a byte, and returns what comes back. */
  static int echo(Socket socket, int value) {
    try {
      socket.getOutputStream().write(value);
      return socket.getInputStream().read();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether the service answers over both families. */
  boolean serves() {
    for (String address : List.of(SERVICE4, SERVICE6)) {
      try (Socket socket = connect(address, 80)) {
        if (echo(socket, 42) != 42) {
          return false;
        }
      } catch (IOException | RuntimeException e) {
        return false;
      }
    }
    return true;
  }

  TestNetns node() {
    return node;
  }

  Path bpffs() {
    return bpffs.path();
  }

  Path config() {
    return folder.resolve("agent.conf");
  }

  Path manifests() {
    return folder.resolve("manifests");
  }

  void manifest(String name, String content) throws IOException {
    Files.writeString(folder.resolve("manifests").resolve(name), content);
  }

  private ProcessBuilder sluice(List<String> args) {
    List<String> command = new ArrayList<>(List.of("ip", "netns", "exec", node.name()));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-XX:-UseContainerSupport",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xmx256m",
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName()));
    command.addAll(args);
    return new ProcessBuilder(command).redirectErrorStream(true);
  }

  /** Runs a command of sluice on the node, to its end. */
  Said run(String... args) throws IOException, InterruptedException {
    Process command = sluice(List.of(args)).start();
    command.getOutputStream().close();
    String output = new String(command.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Said(command.waitFor(), output);
  }

  /** Starts the agent, without waiting for anything. */
  void start() throws IOException {
    process =
        sluice(List.of("agent", "--config", config().toString()))
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
            .start();
  }

  Path log() {
    return folder.resolve("agent.log");
  }

  /** Kills the agent with SIGKILL. */
  void kill() {
    process.destroyForcibly().onExit().join();
  }

  /** Ends the agent with SIGTERM; returns its exit code. */
  int stop() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      throw new IllegalStateException("the agent does not stop: " + logged());
    }
    return process.exitValue();
  }

  String logged() {
    try {
      return Files.exists(log()) ? Files.readString(log()) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What the agent answers to a GET: status code and body. */
  Said get(String path) {
    return getUrl("http://127.0.0.1:" + PORT + path);
  }

  /** What is answered on the node to a GET: status code and body. */
  Said getUrl(String url) {
    return node.netns()
        .run(
            () -> {
              HttpURLConnection http = (HttpURLConnection) URI.create(url).toURL().openConnection();
              http.setConnectTimeout(2000);
              http.setReadTimeout(10_000);
              int code = http.getResponseCode();
              try (InputStream in = code < 400 ? http.getInputStream() : http.getErrorStream()) {
                return new Said(code, new String(in.readAllBytes(), StandardCharsets.UTF_8));
              }
            });
  }

  JsonNode json(String path) {
    try {
      return JSON.readTree(get(path).output());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether the agent says that the node is ready; false also if there is none. */
  boolean ready() {
    try {
      return get("/health/ready").code() == 200;
    } catch (RuntimeException e) {
      return false;
    }
  }

  @Override
  public void close() throws IOException {
    if (process != null) {
      kill();
    }
    server.close();
    bpffs.close();
    client.close();
    web.close();
    node.close();
  }

  private static final String NODE =
      """
      apiVersion: v1
      kind: Node
      metadata: {name: n1}
      spec: {podCIDRs: [10.1.0.0/24, "fd00:1::/64"]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: client, namespace: default}
      spec: {nodeName: n1}
      status: {phase: Running, podIP: 10.1.0.2, podIPs: [{ip: 10.1.0.2}, {ip: "fd00:1::2"}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: web, namespace: default}
      spec: {nodeName: n1}
      status: {phase: Running, podIP: 10.1.0.3, podIPs: [{ip: 10.1.0.3}, {ip: "fd00:1::3"}]}
      """;

  private static final String SERVICE =
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: default}
      spec:
        clusterIP: 10.96.0.10
        clusterIPs: [10.96.0.10, "fd00:96::10"]
        ipFamilies: [IPv4, IPv6]
        ipFamilyPolicy: RequireDualStack
        ports: [{name: echo, port: 80, targetPort: 8080, protocol: TCP}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: web-4
        namespace: default
        labels: {kubernetes.io/service-name: web}
      addressType: IPv4
      ports: [{name: echo, port: 8080, protocol: TCP}]
      endpoints: [{addresses: [10.1.0.3], conditions: {ready: true}, nodeName: n1}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: web-6
        namespace: default
        labels: {kubernetes.io/service-name: web}
      addressType: IPv6
      ports: [{name: echo, port: 8080, protocol: TCP}]
      endpoints: [{addresses: ["fd00:1::3"], conditions: {ready: true}, nodeName: n1}]
      """;
}
