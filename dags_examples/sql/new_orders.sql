SELECT email,
       customer_id  AS customerid,
       ordered_at   AS timestamp_unixtime_ms,
       order_id     AS source_message_id,
       'purchase'   AS conversiontype,
       confirmation AS confirmationref,
       total        AS amount,
       currency
FROM orders
WHERE ordered_at >= :since
  AND ordered_at < :until
ORDER BY customer_id, ordered_at, order_id
