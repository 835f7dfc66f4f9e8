{# One score: the probability of class 1, or the value. #}
{% include "inference/call.sql" %}:{{ ("output_feature_1" if task == "classification" else "output_feature_0")|identifier }}::FLOAT
