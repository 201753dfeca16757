// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.management;

import static org.assertj.core.api.Assertions.assertThat;

import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.Query;
import akka.util.ByteString;
import io.sluice.cluster.management.Endpoint.Request;
import io.sluice.cluster.resources.FileResources;
import io.sluice.cluster.resources.ResourceApi;
import io.sluice.config.model.Kind;
import io.sluice.config.model.Manifest;
import io.sluice.config.parse.Limits;
import io.sluice.config.parse.ManifestParser;
import io.sluice.config.source.Snapshot;
import io.sluice.config.source.SnapshotIndex;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Which call of the API a request becomes, and what is answered. */
class ResourceEndpointsTest {
  private final List<String> calls = new ArrayList<>();

  /** Notes what it is asked. */
  private final class Noting implements ResourceApi {
    private CompletionStage<Reply> note(String call) {
      calls.add(call);
      return CompletableFuture.completedFuture(new Reply(200, Map.of("status", "ok")));
    }

    @Override
    public CompletionStage<Reply> apply(Manifests m, boolean dryRun) {
      return note("apply " + m.file() + " " + m.content().length + " " + dryRun);
    }

    @Override
    public CompletionStage<Reply> delete(Manifests m, boolean dryRun) {
      return note("delete " + m.file() + " " + m.content().length + " " + dryRun);
    }

    @Override
    public CompletionStage<Reply> delete(
        Kind kind, String namespace, String name, long version, boolean dryRun) {
      return note("delete %s %s/%s %d %s".formatted(kind, namespace, name, version, dryRun));
    }

    @Override
    public Reply get(Kind kind, String namespace, String name) {
      calls.add("get %s %s/%s".formatted(kind, namespace, name));
      return new Reply(200, "{}".getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public Reply list(Kind kind, Optional<String> namespace) {
      calls.add("list " + kind + " " + namespace.orElse("all"));
      return new Reply(200, "{}".getBytes(StandardCharsets.UTF_8));
    }
  }

  private static HttpResponse ask(
      ResourceApi api, String method, String path, String query, String body) {
    List<String> segments = Arrays.asList(path.substring(1).split("/"));
    Endpoint endpoint =
        ResourceEndpoints.all().stream()
            .filter(e -> e.method().value().equals(method) && e.match(segments).isPresent())
            .findFirst()
            .orElseThrow();
    NodeView node = new TestView(() -> Health.WELL, api);
    return endpoint
        .handler()
        .answer(
            new Request(
                node,
                endpoint.match(segments).orElseThrow(),
                Query.create(query),
                body.getBytes(StandardCharsets.UTF_8),
                true))
        .toCompletableFuture()
        .join();
  }

  private static String text(HttpResponse response) {
    ByteString data = ((akka.http.scaladsl.model.HttpEntity.Strict) response.entity()).data();
    return data.utf8String();
  }

  @Test
  void eachPathIsACall() {
    ResourceApi api = new Noting();
    ask(api, "POST", "/api/v1/apply", "file=a%2Fb.yaml&dryRun=true", "abc");
    ask(api, "POST", "/api/v1/apply", "dryRun=false", "");
    ask(api, "POST", "/api/v1/delete", "", "abcd");
    ask(api, "GET", "/api/v1/resources/svc", "", "");
    ask(api, "GET", "/api/v1/resources/EndpointSlices.discovery.k8s.io", "namespace=shop", "");
    ask(api, "GET", "/api/v1/resources/services/web", "", "");
    ask(api, "GET", "/api/v1/resources/node/n1", "", "");
    ask(api, "DELETE", "/api/v1/resources/service/shop/web", "resourceVersion=7", "");
    assertThat(calls)
        .containsExactly(
            "apply a/b.yaml 3 true",
            "apply request 0 false",
            "delete request 4 false",
            "list Service all",
            "list EndpointSlice shop",
            "get Service default/web",
            "get Node /n1",
            "delete Service shop/web 7 false");
  }

  @Test
  @Tag("INV-CL-3")
  void whatIsWrongIsSaid() {
    ResourceApi api = new Noting();
    HttpResponse unknown = ask(api, "GET", "/api/v1/resources/servises", "", "");
    assertThat(unknown.status().intValue()).isEqualTo(404);
    assertThat(text(unknown)).contains("is not a kind, did you mean service");
    HttpResponse version =
        ask(api, "DELETE", "/api/v1/resources/service/web", "resourceVersion=x", "");
    assertThat(version.status().intValue()).isEqualTo(400);
    assertThat(calls).isEmpty();
  }

  @Test
  void aNodeOfAFolderShowsItsResourcesAndSaysWhereTheyAreChanged() {
    String yaml = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    SnapshotIndex index = new SnapshotIndex();
    new ManifestParser(Limits.DEFAULT)
        .parse("a.yaml", yaml.getBytes(StandardCharsets.UTF_8))
        .forEach(
            document -> {
              Manifest manifest = document.manifest().orElseThrow();
              index.put(document.resource().orElseThrow(), manifest);
            });
    Snapshot snapshot = index.build(Snapshot.EMPTY, true, 42, List.of());
    ResourceApi api = new FileResources(Path.of("/etc/sluice/manifests"), () -> snapshot);
    HttpResponse refused = ask(api, "POST", "/api/v1/apply", "", yaml);
    assertThat(refused.status().intValue()).isEqualTo(409);
    assertThat(text(refused))
        .contains("this node's source is the folder /etc/sluice/manifests: change the files there");
    assertThat(text(ask(api, "GET", "/api/v1/resources/namespaces", "", "")))
        .isEqualTo(
            "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"42\"},"
                + "\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"Namespace\","
                + "\"metadata\":{\"name\":\"shop\"}}]}");
    assertThat(ask(api, "GET", "/api/v1/resources/ns/none", "", "").status().intValue())
        .isEqualTo(404);
  }
}
