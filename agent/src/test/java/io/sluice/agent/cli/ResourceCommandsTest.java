// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.sluice.agent.cli.Terminal.Said;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What apply, delete and get ask an agent, and what they make of its answers. */
class ResourceCommandsTest {
  private static final String WEB =
      """
      {"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop",
       "uid":"u","resourceVersion":"7"},
       "spec":{"clusterIP":"10.96.0.1","ports":[{"port":80},{"port":53,"protocol":"UDP",
       "nodePort":30053}],"selector":{"app":"web"}}}""";

  @TempDir Path folder;

  private final List<String> asked = Collections.synchronizedList(new ArrayList<>());
  private final Map<String, String> answers = new HashMap<>();
  private final Map<String, Integer> statuses = new HashMap<>();
  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          String body =
              new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
          String what = exchange.getRequestMethod() + " " + exchange.getRequestURI();
          asked.add(body.isEmpty() ? what : what + " " + body.strip());
          byte[] answer =
              answers
                  .getOrDefault(what, "{\"status\":\"error\",\"reasons\":[\"unexpected\"]}")
                  .getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(
              statuses.getOrDefault(what, answers.containsKey(what) ? 200 : 500), answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private Said run(String... args) {
    List<String> all = new ArrayList<>(List.of(args));
    all.add("--address");
    all.add("127.0.0.1:" + server.getAddress().getPort());
    return Terminal.run(all.toArray(String[]::new));
  }

  private static String changes(boolean dryRun, String... results) {
    List<String> changes = new ArrayList<>();
    for (String result : results) {
      String[] parts = result.split(" ", 4);
      changes.add(
          "{\"kind\":\"%s\",\"namespace\":\"%s\",\"name\":\"%s\",\"result\":\"%s\"}"
              .formatted(parts[0], parts[1].equals("-") ? "" : parts[1], parts[2], parts[3]));
    }
    return "{\"version\":7,\"dryRun\":%s,\"results\":[%s],\"warnings\":[]}"
        .formatted(dryRun, String.join(",", changes));
  }

  private Path file(String name, String text) throws IOException {
    Files.createDirectories(folder.resolve(name).getParent());
    return Files.writeString(folder.resolve(name), text);
  }

  private String post(String what, Path file, String more) {
    return "POST /api/v1/" + what + "?file=" + file.toString().replace("/", "%2F") + more;
  }

  @Test
  void appliesTheFilesOfAFolderInOrderAndTellsOfEachResource() throws IOException {
    Path b = file("b.yaml", "b: 1");
    Path a = file("a.json", "{}");
    file("sub/c.yaml", "c: 1");
    file("notes.txt", "no");
    answers.put(post("apply", a, ""), changes(false, "Service shop web created"));
    answers.put(
        post("apply", b, ""),
        changes(false, "Node - node1 configured", "Service shop web unchanged"));
    Said said = run("apply", "-f", folder.toString());
    assertThat(said.code()).isZero();
    assertThat(said.out().lines())
        .containsExactly(
            "service/shop/web created", "node/node1 configured", "service/shop/web unchanged");
    assertThat(asked).containsExactly(post("apply", a, "") + " {}", post("apply", b, "") + " b: 1");
    assertThat(said.err()).isEmpty();
  }

  @Test
  @Tag("INV-CL-3")
  void aRefusalIsALineForEachReasonAndOtherFilesGoOn() throws IOException {
    Path a = file("a.yaml", "a: 1");
    Path b = file("b.yaml", "b: 1");
    answers.put(post("apply", a, ""), "{\"status\":\"error\",\"reasons\":[\"one\",\"two\"]}");
    statuses.put(post("apply", a, ""), 422);
    answers.put(post("apply", b, ""), changes(false, "Service shop web created"));
    Said said = run("apply", "-f", a.toString(), "-f", b.toString());
    assertThat(said.code()).isEqualTo(1);
    assertThat(said.err().lines()).containsExactly("sluice: one", "sluice: two");
    assertThat(said.out().lines()).containsExactly("service/shop/web created");
  }

  @Test
  void aDryRunSaysSo() throws IOException {
    Path a = file("a.yaml", "a: 1");
    answers.put(post("apply", a, "&dryRun=true"), changes(true, "Service shop web created"));
    assertThat(run("apply", "-f", a.toString(), "--dry-run").out().strip())
        .isEqualTo("service/shop/web created (dry run)");
  }

  @Test
  void deletesByNameAndFailsForWhatIsNotThere() {
    answers.put(
        "DELETE /api/v1/resources/service/shop/web", changes(false, "Service shop web deleted"));
    answers.put(
        "DELETE /api/v1/resources/service/shop/none",
        changes(false, "Service shop none not found"));
    Said said = run("delete", "svc", "web", "none", "-n", "shop");
    assertThat(said.code()).isEqualTo(1);
    assertThat(said.out().strip()).isEqualTo("service/shop/web deleted");
    assertThat(said.err().strip()).isEqualTo("sluice: service/shop/none not found");
    answers.put("DELETE /api/v1/resources/node/node1", changes(false, "Node - node1 deleted"));
    assertThat(run("delete", "nodes", "node1").code()).isZero();
  }

  @Test
  void wrongUsageIsToldApart() {
    assertThat(run("apply").code()).isEqualTo(2);
    assertThat(run("delete").code()).isEqualTo(2);
    assertThat(run("delete", "service").code()).isEqualTo(2);
    Said said = run("get", "servics");
    assertThat(said.code()).isEqualTo(2);
    assertThat(said.err()).contains("is not a kind, did you mean service");
    assertThat(run("get", "service", "web", "-A").code()).isEqualTo(2);
    Said none = run("apply", "-f", "/nowhere.yaml");
    assertThat(none.code()).isEqualTo(1);
    assertThat(none.err().strip())
        .isEqualTo("sluice: /nowhere.yaml: there is no such file or folder");
    assertThat(asked).isEmpty();
  }

  @Test
  void servicesAreShownWithTheirBackends() {
    answers.put("GET /api/v1/resources/service", "{\"kind\":\"List\",\"items\":[" + WEB + "]}");
    answers.put(
        "GET /api/v1/resources/endpointslice",
        """
        {"kind":"List","items":[{"metadata":{"name":"web-1","namespace":"shop",
          "labels":{"kubernetes.io/service-name":"web"}},
          "endpoints":[{"addresses":["10.1.0.2"]},
            {"addresses":["10.1.0.3"],"conditions":{"ready":false}}]}]}""");
    String[] lines = run("get", "services", "-A").out().split("\n");
    assertThat(lines[0].split(" +"))
        .containsExactly(
            "NAMESPACE", "NAME", "TYPE", "CLUSTER-IPS", "EXTERNAL-IPS", "PORTS", "BACKENDS", "AGE");
    assertThat(lines[1].split(" +"))
        .containsExactly(
            "shop", "web", "ClusterIP", "10.96.0.1", "-", "80/TCP,53:30053/UDP", "1/2", "-");
    assertThat(run("get", "svc", "-A", "-o", "wide").out()).contains("SELECTOR", "app=web", "7");
  }

  @Test
  void aManifestComesAsItIsStored() {
    answers.put("GET /api/v1/resources/service/shop/web", WEB);
    Said yaml = run("get", "service", "web", "-n", "shop", "-o", "yaml");
    assertThat(yaml.code()).isZero();
    assertThat(yaml.out())
        .startsWith("apiVersion: v1\nkind: Service\n")
        .contains("nodePort: 30053");
    assertThat(run("get", "service", "web", "-n", "shop", "-o", "json").out())
        .contains("\"resourceVersion\" : \"7\"");

    String missing = "GET /api/v1/resources/service/default/none";
    answers.put(
        missing, "{\"status\":\"error\",\"reasons\":[\"Service default/none is not there\"]}");
    statuses.put(missing, 404);
    Said said = run("get", "service", "none");
    assertThat(said.code()).isEqualTo(1);
    assertThat(said.err().strip()).isEqualTo("sluice: Service default/none is not there");
  }

  @Test
  void eachKindHasItsColumns() {
    Map<String, String> headings =
        Map.ofEntries(
            Map.entry("endpointslice", "SERVICE"),
            Map.entry("node", "POD-CIDRS"),
            Map.entry("pod", "IPS"),
            Map.entry("workloadendpoint", "INTERFACE"),
            Map.entry("ippool", "NAT-OUTGOING"),
            Map.entry("felixconfiguration", "SETTINGS"),
            Map.entry("networkpolicy", "SELECTOR"),
            Map.entry("networkpolicy.projectcalico.org", "TYPES"),
            Map.entry("globalnetworkpolicy", "TIER"),
            Map.entry("tier", "DEFAULT-ACTION"),
            Map.entry("networkset", "NETS"),
            Map.entry("globalnetworkset", "NETS"),
            Map.entry("hostendpoint", "INTERFACE"),
            Map.entry("profile", "RULES"),
            Map.entry("serviceaccount", "NAME"),
            Map.entry("namespace", "NAME"));
    headings.forEach(
        (kind, heading) -> {
          String list =
              "{\"kind\":\"List\",\"items\":[{\"metadata\":{\"name\":\"x\"},\"spec\":{}}]}";
          answers.put("GET /api/v1/resources/" + kind, list);
          answers.put("GET /api/v1/resources/" + kind + "?namespace=default", list);
          for (String format : List.of("table", "wide")) {
            Said said = run("get", kind, "-o", format);
            assertThat(said.code()).as(kind + " " + said.err()).isZero();
            assertThat(said.out()).contains(heading, "x");
          }
        });
  }

  @Test
  void policiesAreShownAsTheyAreEnforced() {
    answers.put(
        "GET /api/v1/resources/networkpolicy",
        """
        {"kind":"List","items":[
         {"apiVersion":"networking.k8s.io/v1","metadata":{"name":"db","namespace":"shop"},
          "spec":{"podSelector":{"matchLabels":{"app":"db"},"matchExpressions":[
           {"key":"env","operator":"NotIn","values":["test"]},{"key":"x","operator":"DoesNotExist"}]},
           "ingress":[{}],"egress":[{},{}]}},
         {"apiVersion":"networking.k8s.io/v1","metadata":{"name":"deny","namespace":"shop"},
          "spec":{"podSelector":{}}}]}""");
    List<String> rows = run("get", "netpol", "-A", "-o", "wide").out().lines().toList();
    assertThat(rows.get(1))
        .matches(
            "shop +db +default +1000 +app == 'db' && env not in \\{'test'} && !has\\(x\\)"
                + " +Ingress,Egress +1 in, 2 out.*");
    assertThat(rows.get(2)).matches("shop +deny +default +1000 +all\\(\\) +Ingress +0 in, 0 out.*");
    answers.put(
        "GET /api/v1/resources/networkpolicy.projectcalico.org?namespace=default",
        """
        {"kind":"List","items":[
         {"apiVersion":"projectcalico.org/v3","metadata":{"name":"web"},
          "spec":{"tier":"security","selector":"app == 'web'","egress":[{"action":"Deny"}]}}]}""");
    assertThat(run("get", "cnp").out().lines().toList().get(1))
        .matches("web +security +- +app == 'web' +Egress.*");
  }
}
