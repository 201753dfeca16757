// SPDX-License-Identifier: Apache-2.0
/** What the cluster of agents costs: tables, changes until every node has them, start, memory. */
package io.sluice.bench.cluster;
