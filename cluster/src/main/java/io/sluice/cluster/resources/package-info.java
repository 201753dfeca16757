// SPDX-License-Identifier: Apache-2.0
/** The resources that all nodes share: the store behind {@code sluice apply}, and its followers. */
package io.sluice.cluster.resources;
